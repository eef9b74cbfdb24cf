package dev.palimpsest.llm;

import java.util.concurrent.CompletableFuture;

/** One way of asking a server for probabilities of labels. */
interface LabelAsker {
  /**
   * Asks. The future fails with an {@link EndpointFault}; a server that does not know this way
   * answers with an error, or without what was asked for.
   */
  CompletableFuture<Reply.Labelled> ask(Question.Labelling question);
}
