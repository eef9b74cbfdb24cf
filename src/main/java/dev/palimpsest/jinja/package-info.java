/**
 * The part of the Jinja template language that chat templates are written in, without any way out
 * of it: values are plain data, nothing is looked up by reflection, and steps, depth and output are
 * bounded. (Jinjava was tried first: tags at the beginning of a text, Python's methods of strings
 * and backward slices do not work there, and some of these fail without an error.)
 */
@NullMarked
package dev.palimpsest.jinja;

import org.jspecify.annotations.NullMarked;
