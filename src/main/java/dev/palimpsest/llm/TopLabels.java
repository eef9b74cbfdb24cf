package dev.palimpsest.llm;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.palimpsest.language.Prompt;
import java.util.concurrent.CompletableFuture;

/** Labels among the likeliest first tokens of an answer. */
final class TopLabels implements LabelAsker {
  private final HttpCalls http;
  private final Calls calls;
  private final int top;

  /**
   * @param top how many tokens the server tells; 20 with most
   */
  TopLabels(HttpCalls http, Calls calls, int top) {
    this.http = http;
    this.calls = calls;
    this.top = top;
  }

  @Override
  public CompletableFuture<Reply.Labelled> ask(Question.Labelling question) {
    ObjectNode body = calls.greedy(question.prompt(), 1);
    if (question.prompt() instanceof Prompt.Chat) {
      body.put("logprobs", true).put("top_logprobs", top);
    } else {
      body.put("logprobs", top);
    }
    return http.post(calls.uri(question.prompt()), body, answer -> labelled(question, answer));
  }

  private static Reply.Labelled labelled(Question.Labelling question, JsonNode answer) {
    return TokenChances.of(Calls.choice(answer))
        .orElseThrow(() -> EndpointFault.passing("an answer without log-probabilities"))
        .labelled(question.labels(), Calls.usage(answer));
  }
}
