package dev.palimpsest.llm;

import com.fasterxml.jackson.databind.JsonNode;
import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.Quoted;
import dev.palimpsest.language.Prompt;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import java.util.function.Supplier;
import java.util.stream.IntStream;

/**
 * Finds out, by asking, what a server can do: which model it has, and the best way to get
 * probabilities of labels from it.
 */
final class Probe {
  private static final String ASKED =
      "Answer with one digit and nothing else. How many legs does a cat have?";
  private static final List<String> DIGITS =
      IntStream.range(0, 10).mapToObj(Integer::toString).toList();
  private static final int[] TOPS = {20, 10, 5};

  private final EndpointSettings settings;
  private final HttpCalls http;

  Probe(EndpointSettings settings, HttpCalls http) {
    this.settings = settings;
    this.http = http;
  }

  /** A way that works. */
  record Found(LabelAsker asker, Capabilities capabilities) {}

  /**
   * The model's name: the one asked for, else the only one of the server.
   *
   * @throws PalimpsestException where the server cannot be asked, or has several
   */
  String model() {
    if (settings.model().isPresent()) {
      return settings.model().get();
    }
    JsonNode models;
    try {
      models = http.now(settings.call("models"), Optional.empty()).path("data");
    } catch (EndpointFault fault) {
      throw fault.told();
    }
    List<String> names = new ArrayList<>();
    models.forEach(model -> names.add(model.path("id").asText("")));
    if (names.size() != 1) {
      throw new PalimpsestException(
          settings.base()
              + " serves "
              + names.size()
              + " models, say which: "
              + Quoted.shortened(String.join(", ", names), 300));
    }
    return names.get(0);
  }

  /**
   * How the server calls the most tokens of an answer to a conversation; newer models of OpenAI
   * refuse the usual word.
   */
  String lengthKey(String model) {
    String usual = "max_tokens";
    Calls calls = new Calls(settings, model, usual);
    Prompt prompt = chat();
    try {
      http.now(calls.uri(prompt), Optional.of(calls.body(prompt, 1)));
      return usual;
    } catch (EndpointFault fault) {
      String other = "max_completion_tokens";
      if (String.valueOf(fault.getMessage()).contains(other)) {
        return other;
      }
      if (fault.kind() == EndpointFault.Kind.QUESTION) {
        return usual;
      }
      throw fault.told();
    }
  }

  private static Prompt chat() {
    return new Prompt.Chat(List.of(new Prompt.Message("user", ASKED)));
  }

  /**
   * The best way that works, or the one that the settings name.
   *
   * @param inChat whether questions will be conversations rather than plain texts
   * @throws PalimpsestException where none works, with what came of each
   */
  Found labels(Calls calls, boolean inChat) {
    Prompt prompt = inChat ? chat() : new Prompt.Text(ASKED + " Answer: ");
    Map<String, String> findings = new LinkedHashMap<>();
    for (LabelWay way : LabelWay.values()) {
      if (settings.labels().isPresent() && settings.labels().get() != way) {
        continue;
      }
      for (Supplier<LabelAsker> candidate : candidates(way, calls)) {
        Optional<LabelAsker> works = tried(candidate.get(), way, prompt, findings);
        if (works.isPresent()) {
          return new Found(works.get(), new Capabilities(calls.model(), way, findings));
        }
      }
    }
    throw new PalimpsestException(
        settings.base()
            + ": no way to get probabilities of labels works: "
            + Quoted.shortened(findings.toString(), 600));
  }

  private List<Supplier<LabelAsker>> candidates(LabelWay way, Calls calls) {
    return switch (way) {
      case EXACT ->
          List.of(() -> new ExactLabels(http, calls), () -> new GeneratedLabels(http, calls));
      case TOP -> {
        List<Supplier<LabelAsker>> each = new ArrayList<>();
        for (int top : TOPS) {
          each.add(() -> new TopLabels(http, calls, top));
        }
        yield each;
      }
      case PROMPT ->
          List.of(
              () -> new PromptLabels(http, calls, false),
              () -> new PromptLabels(http, calls, true));
      case SAMPLES -> List.of(() -> new SampledLabels(http, calls));
    };
  }

  private static Optional<LabelAsker> tried(
      LabelAsker asker, LabelWay way, Prompt prompt, Map<String, String> findings) {
    Reply.Labelled reply;
    try {
      reply = asker.ask(new Question.Labelling(prompt, DIGITS)).join();
    } catch (EndpointFault | CompletionException failure) {
      Throwable cause = HttpCalls.unwrapped(failure);
      if (!(cause instanceof EndpointFault fault)) {
        throw failure;
      }
      if (fault.kind() == EndpointFault.Kind.FINAL && !isUnknownCall(fault)) {
        throw fault.told();
      }
      findings.merge(way.label(), String.valueOf(fault.getMessage()), (a, b) -> a + "; " + b);
      return Optional.empty();
    }
    boolean all = reply.told() == DIGITS.size();
    boolean enough = way == LabelWay.TOP ? reply.told() > 0 : all;
    String finding =
        String.format(
            Locale.ROOT,
            "%d of %d digits told, at most %.2g missing",
            reply.told(),
            DIGITS.size(),
            reply.missing());
    findings.merge(way.label(), finding, (a, b) -> a + "; " + b);
    return enough ? Optional.of(asker) : Optional.empty();
  }

  /** A call that a server does not have is no reason to give up. */
  private static boolean isUnknownCall(EndpointFault fault) {
    return fault.status() == 404 || fault.status() == 405 || fault.status() == 501;
  }
}
