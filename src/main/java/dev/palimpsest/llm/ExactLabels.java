package dev.palimpsest.llm;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.palimpsest.language.Prompt;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** Log-probabilities of the labels' own tokens, as vLLM gives them ({@code logprob_token_ids}). */
final class ExactLabels implements LabelAsker {
  private static final String ID = "token_id:";

  private final HttpCalls http;
  private final Calls calls;
  private final TokenIds ids;

  ExactLabels(HttpCalls http, Calls calls) {
    this.http = http;
    this.calls = calls;
    ids = new TokenIds(http, calls);
  }

  @Override
  public CompletableFuture<Reply.Labelled> ask(Question.Labelling question) {
    ObjectNode body = calls.greedy(question.prompt(), 1).put("return_tokens_as_token_ids", true);
    if (question.prompt() instanceof Prompt.Chat) {
      body.put("logprobs", true).put("top_logprobs", 1);
    } else {
      body.put("logprobs", 1);
    }
    ArrayNode wanted = body.putArray("logprob_token_ids");
    List<String> names = new ArrayList<>();
    for (String label : question.labels()) {
      int id = ids.of(label);
      wanted.add(id);
      names.add(ID + id);
    }
    return http.post(
        calls.uri(question.prompt()), body, answer -> labelled(names, question, answer));
  }

  /** By id; some servers write the tokens' texts all the same. */
  private static Reply.Labelled labelled(
      List<String> names, Question.Labelling question, JsonNode answer) {
    TokenChances chances =
        TokenChances.of(Calls.choice(answer))
            .orElseThrow(() -> EndpointFault.passing("an answer without log-probabilities"));
    Usage usage = Calls.usage(answer);
    Reply.Labelled byId = chances.labelled(names, usage);
    return byId.told() > 0 ? byId : chances.labelled(question.labels(), usage);
  }
}
