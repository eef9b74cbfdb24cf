/**
 * What needs no words and stands in the component's place all the same: tables of its outputs and
 * linear maps of embeddings.
 */
@NullMarked
package dev.palimpsest.rivals;

import org.jspecify.annotations.NullMarked;
