/** The self-contained HTML report and its charts; knows plain records only. */
@NullMarked
package dev.palimpsest.report;

import org.jspecify.annotations.NullMarked;
