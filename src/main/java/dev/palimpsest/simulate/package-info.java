/** Simulators, which see only an explanation and a context; scorers; calibration. */
@NullMarked
package dev.palimpsest.simulate;

import org.jspecify.annotations.NullMarked;
