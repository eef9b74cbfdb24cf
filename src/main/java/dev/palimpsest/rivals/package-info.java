/** What needs no words and stands in the component's place all the same: tables of its outputs. */
@NullMarked
package dev.palimpsest.rivals;

import org.jspecify.annotations.NullMarked;
