/** Records and file forms of what stages leave behind. */
@NullMarked
package dev.palimpsest.results;

import org.jspecify.annotations.NullMarked;
