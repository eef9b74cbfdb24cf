/**
 * Language models asked very many questions: servers that speak OpenAI's protocol, and the journal
 * that keeps what they said.
 */
@NullMarked
package dev.palimpsest.llm;

import org.jspecify.annotations.NullMarked;
