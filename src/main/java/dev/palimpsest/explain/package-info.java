/** Explainers, and explanations as files a person may edit. */
@NullMarked
package dev.palimpsest.explain;

import org.jspecify.annotations.NullMarked;
