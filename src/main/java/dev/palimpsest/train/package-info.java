/** Training of sparse coders: optimisers, schedules, checkpoints, the loop. */
@NullMarked
package dev.palimpsest.train;

import org.jspecify.annotations.NullMarked;
