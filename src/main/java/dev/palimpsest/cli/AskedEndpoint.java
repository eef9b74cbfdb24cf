package dev.palimpsest.cli;

import dev.palimpsest.language.Prompt;
import dev.palimpsest.language.Sampling;
import dev.palimpsest.llm.Budget;
import dev.palimpsest.llm.Capabilities;
import dev.palimpsest.llm.Endpoint;
import dev.palimpsest.llm.EndpointSettings;
import dev.palimpsest.llm.Journal;
import dev.palimpsest.llm.Journaled;
import dev.palimpsest.llm.Question;
import dev.palimpsest.llm.Reply;
import dev.palimpsest.llm.Usage;
import dev.palimpsest.run.OutputFolder;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.BiConsumer;

/** Asks a server, and tells the answers in the prompts' order. */
final class AskedEndpoint {
  private final EndpointSettings settings;
  private final Optional<Path> journal;
  private final Budget budget;
  private final ConsoleLog log;
  private final BiConsumer<Map<String, Object>, String> out;

  /**
   * @param journal where answers are kept
   * @param budget what may be spent
   * @param out gets each answer for machines and for people
   */
  AskedEndpoint(
      EndpointSettings settings,
      Optional<Path> journal,
      Budget budget,
      ConsoleLog log,
      BiConsumer<Map<String, Object>, String> out) {
    this.settings = settings;
    this.journal = journal;
    this.budget = budget;
    this.log = log;
    this.out = out;
  }

  /** What each prompt is answered with, or how likely each label is where there are labels. */
  void ask(List<Prompt> prompts, List<String> labels, Sampling sampling) {
    journal.ifPresent(OutputFolder::requireFreeFor);
    Optional<Journal> opened = journal.map(Journal::open);
    Endpoint endpoint = new Endpoint(settings, System::getenv);
    try (Journaled kept = new Journaled(endpoint, opened, budget)) {
      log.says("asking " + endpoint.model() + " at " + settings.base());
      if (!labels.isEmpty()) {
        prompts.stream()
            .map(prompt -> prompt instanceof Prompt.Chat)
            .distinct()
            .forEach(inChat -> tell(endpoint.capabilities(inChat), inChat));
      }
      InOrder inOrder = new InOrder(endpoint, labels, prompts.size());
      kept.ask(
          prompts.stream().map(prompt -> question(prompt, labels, sampling)).iterator(),
          inOrder::hear);
      Usage usage = kept.usage();
      log.says(
          String.format(
              Locale.ROOT,
              "%,d calls, %,d tokens read and %,d written; %,d answers were known",
              usage.calls(),
              usage.promptTokens(),
              usage.writtenTokens(),
              kept.known()));
    }
  }

  private static Question question(Prompt prompt, List<String> labels, Sampling sampling) {
    return labels.isEmpty()
        ? new Question.Writing(prompt, sampling)
        : new Question.Labelling(prompt, labels);
  }

  private void tell(Capabilities found, boolean inChat) {
    log.says(
        (inChat ? "conversations" : "plain texts")
            + ": labels by '"
            + found.way().label()
            + "', "
            + found.way().words());
    found.findings().forEach((way, finding) -> log.says("  " + way + ": " + finding));
  }

  private record Answered(Question question, Reply reply) {}

  /** Answers arrive in any order, and are told in the prompts' own. */
  private final class InOrder {
    private final Endpoint endpoint;
    private final List<String> labels;
    private final int prompts;
    private final Map<Long, Answered> waiting = new TreeMap<>();
    private long next;
    private long heard;

    InOrder(Endpoint endpoint, List<String> labels, int prompts) {
      this.endpoint = endpoint;
      this.labels = labels;
      this.prompts = prompts;
    }

    synchronized void hear(long index, Question question, Reply reply) {
      waiting.put(index, new Answered(question, reply));
      log.advanced("asking", "prompts", ++heard, prompts);
      while (waiting.containsKey(next)) {
        print(next, waiting.remove(next));
        next++;
      }
    }

    private void print(long index, Answered answered) {
      Reply reply = answered.reply;
      Map<String, Object> line = new LinkedHashMap<>();
      line.put("prompt", index);
      String text;
      if (reply instanceof Reply.Written written) {
        text = written.text();
        line.put("text", text);
        line.put("tokens", written.usage().writtenTokens());
        line.put("stopped", written.stopped());
      } else if (reply instanceof Reply.Labelled labelled) {
        LabelScores scores = LabelScores.of(labels, labelled.logProbabilities());
        text = scores.text();
        line.put("labels", scores.byLabel());
        line.put("told", labelled.told());
        line.put("missing", labelled.missing());
        boolean inChat = answered.question.prompt() instanceof Prompt.Chat;
        line.put("labels_by", endpoint.capabilities(inChat).way().label());
      } else {
        text = "refused: " + ((Reply.Refused) reply).reason();
        line.put("refused", ((Reply.Refused) reply).reason());
      }
      line.put("model", endpoint.model());
      out.accept(line, text);
    }
  }
}
