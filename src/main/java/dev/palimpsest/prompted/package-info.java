/**
 * Explainers, scorers and simulators that put questions to a language model. What is asked stands
 * in prompt files, which a person may replace.
 */
@NullMarked
package dev.palimpsest.prompted;

import org.jspecify.annotations.NullMarked;
