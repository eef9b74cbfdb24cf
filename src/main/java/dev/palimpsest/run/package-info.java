/** What a run is on disk: the layout of its directory, what is finished, who holds it. */
@NullMarked
package dev.palimpsest.run;

import org.jspecify.annotations.NullMarked;
