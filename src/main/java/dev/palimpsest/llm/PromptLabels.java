package dev.palimpsest.llm;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.palimpsest.language.Prompt;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.concurrent.CompletableFuture;

/**
 * Log-probabilities inside prompts: a prompt with each label at its end is sent, and the server
 * tells how likely it finds it there. In vLLM's form ({@code prompt_logprobs}; a conversation ends
 * with the label as the assistant's unfinished message), or for plain texts in the older one
 * ({@code echo}).
 */
final class PromptLabels implements LabelAsker {
  private final HttpCalls http;
  private final Calls calls;
  private final boolean echo;

  /**
   * @param echo whether to use the older form
   */
  PromptLabels(HttpCalls http, Calls calls, boolean echo) {
    this.http = http;
    this.calls = calls;
    this.echo = echo;
  }

  /** What one prompt told. */
  private record Told(OptionalDouble chance, Usage usage) {}

  @Override
  public CompletableFuture<Reply.Labelled> ask(Question.Labelling question) {
    if (echo && question.prompt() instanceof Prompt.Chat) {
      throw EndpointFault.question("echo takes no conversations");
    }
    // One after the other: how many requests are under way is the caller's to say.
    CompletableFuture<List<Told>> all = CompletableFuture.completedFuture(new ArrayList<>());
    for (String label : question.labels()) {
      all =
          all.thenCompose(told -> ask(question.prompt(), label).thenApply(one -> with(told, one)));
    }
    return all.thenApply(PromptLabels::together);
  }

  private static List<Told> with(List<Told> told, Told one) {
    told.add(one);
    return told;
  }

  private static Reply.Labelled together(List<Told> each) {
    int told = (int) each.stream().filter(one -> one.chance.isPresent()).count();
    List<Double> chances = each.stream().map(one -> one.chance.orElse(0)).toList();
    double left = Math.max(0, 1 - chances.stream().mapToDouble(p -> p).sum());
    return new Reply.Labelled(
        chances,
        told,
        told == each.size() ? 0 : left,
        each.stream().map(Told::usage).reduce(Usage.NONE, Usage::plus));
  }

  private CompletableFuture<Told> ask(Prompt prompt, String label) {
    ObjectNode body;
    if (prompt instanceof Prompt.Chat chat) {
      List<Prompt.Message> messages = new ArrayList<>(chat.messages());
      messages.add(new Prompt.Message("assistant", label));
      body = calls.greedy(new Prompt.Chat(messages), 1);
      body.put("add_generation_prompt", false).put("continue_final_message", true);
    } else {
      body = calls.greedy(new Prompt.Text(((Prompt.Text) prompt).text() + label), 1);
    }
    if (echo) {
      body.put("echo", true).put("logprobs", 1);
    } else {
      body.put("prompt_logprobs", 0);
    }
    return http.post(
        calls.uri(prompt),
        body,
        answer ->
            new Told(
                echo ? echoed(answer, prompt, label) : last(answer, label), Calls.usage(answer)));
  }

  /** The last token of the prompt, which must read as the label. */
  private static OptionalDouble last(JsonNode answer, String label) {
    JsonNode inChoice = Calls.choice(answer).path("prompt_logprobs");
    JsonNode list = inChoice.isArray() ? inChoice : answer.path("prompt_logprobs");
    if (!list.isArray()) {
      throw EndpointFault.passing("an answer without log-probabilities of the prompt");
    }
    for (JsonNode token : list.path(list.size() - 1)) {
      if (token.path("decoded_token").asText().equals(label) && token.path("logprob").isNumber()) {
        return chance(token.path("logprob"));
      }
    }
    return OptionalDouble.empty();
  }

  /** The token that begins where the prompt ends, which must read as the label. */
  private static OptionalDouble echoed(JsonNode answer, Prompt prompt, String label) {
    JsonNode logprobs = Calls.choice(answer).path("logprobs");
    JsonNode tokens = logprobs.path("tokens");
    if (!tokens.isArray()) {
      throw EndpointFault.passing("an answer without log-probabilities of the prompt");
    }
    int length = ((Prompt.Text) prompt).text().length();
    int place = -1;
    for (int i = 0; i < tokens.size() && place < 0; i++) {
      place = logprobs.path("text_offset").path(i).asInt(-1) == length ? i : -1;
    }
    // Without offsets: one token was written, the one before it is the label.
    int at = place < 0 ? tokens.size() - 2 : place;
    boolean found = tokens.path(at).asText().equals(label);
    JsonNode logprob = logprobs.path("token_logprobs").path(at);
    return found && logprob.isNumber() ? chance(logprob) : OptionalDouble.empty();
  }

  private static OptionalDouble chance(JsonNode logprob) {
    return OptionalDouble.of(Math.min(1, Math.exp(logprob.doubleValue())));
  }
}
