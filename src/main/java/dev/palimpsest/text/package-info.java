/**
 * Files to documents to tokens to splits to windows in a seeded order; tokenizers and token names.
 */
@NullMarked
package dev.palimpsest.text;

import org.jspecify.annotations.NullMarked;
