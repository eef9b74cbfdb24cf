/** What every package may use: the error hierarchy, atomic files, seeds, JSON. */
@NullMarked
package dev.palimpsest.base;

import org.jspecify.annotations.NullMarked;
