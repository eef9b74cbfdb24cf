package dev.palimpsest.llm;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * Shares of labels among answers that the server draws. An answer that begins with no label counts
 * as missing.
 */
final class SampledLabels implements LabelAsker {
  private static final int TOKENS = 4;

  private final HttpCalls http;
  private final Calls calls;

  SampledLabels(HttpCalls http, Calls calls) {
    this.http = http;
    this.calls = calls;
  }

  /** Answers until now. */
  private static final class Drawn {
    private final int[] counts;
    private int unread;
    private Usage usage = Usage.NONE;

    Drawn(int labels) {
      counts = new int[labels];
    }

    int all() {
      return unread + Arrays.stream(counts).sum();
    }
  }

  @Override
  public CompletableFuture<Reply.Labelled> ask(Question.Labelling question) {
    return draw(question, new Drawn(question.labels().size()));
  }

  /** Asks for all that are missing; servers without {@code n} give one at a time. */
  private CompletableFuture<Reply.Labelled> draw(Question.Labelling question, Drawn drawn) {
    int wanted = calls.settings().samples() - drawn.all();
    if (wanted <= 0) {
      return CompletableFuture.completedFuture(labelled(drawn));
    }
    ObjectNode body = calls.body(question.prompt(), TOKENS).put("temperature", 1);
    if (wanted > 1) {
      body.put("n", wanted);
    }
    return http.post(calls.uri(question.prompt()), body, answer -> count(question, drawn, answer))
        .thenCompose(more -> draw(question, more));
  }

  private static Drawn count(Question.Labelling question, Drawn drawn, JsonNode answer) {
    Calls.choice(answer);
    for (JsonNode choice : answer.path("choices")) {
      Optional<String> label = read(Calls.text(choice), question.labels());
      if (label.isPresent()) {
        drawn.counts[question.labels().indexOf(label.get())]++;
      } else {
        drawn.unread++;
      }
    }
    drawn.usage = drawn.usage.plus(Calls.usage(answer));
    return drawn;
  }

  /** The longest label that the answer begins with, and that no letter or digit follows. */
  static Optional<String> read(String text, List<String> labels) {
    String answer = text.strip();
    return labels.stream()
        .filter(label -> answer.startsWith(label.strip()))
        .filter(label -> endsAt(answer, label.strip().length()))
        .max(Comparator.comparingInt(String::length));
  }

  private static boolean endsAt(String answer, int length) {
    return length == answer.length() || !Character.isLetterOrDigit(answer.codePointAt(length));
  }

  private static Reply.Labelled labelled(Drawn drawn) {
    List<Double> shares = new ArrayList<>();
    for (int count : drawn.counts) {
      shares.add((double) count / drawn.all());
    }
    return new Reply.Labelled(
        shares, drawn.counts.length, (double) drawn.unread / drawn.all(), drawn.usage);
  }
}
