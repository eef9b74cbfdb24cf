/** One class a subcommand: parse, call, print. */
@NullMarked
package dev.palimpsest.cli;

import org.jspecify.annotations.NullMarked;
