/**
 * What needs no words and stands in the component's place all the same: tables of its outputs, maps
 * and networks of embeddings, tries of examples, lookups and networks of what it reads.
 */
@NullMarked
package dev.palimpsest.rivals;

import org.jspecify.annotations.NullMarked;
