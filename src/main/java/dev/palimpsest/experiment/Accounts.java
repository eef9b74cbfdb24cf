package dev.palimpsest.experiment;

import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.Json;
import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.llm.AnswerTally;
import dev.palimpsest.llm.LabelWay;
import dev.palimpsest.report.Fact;
import dev.palimpsest.report.FactGroup;
import dev.palimpsest.run.RunDirectory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/** What is to be told of the language models that a run has asked. */
final class Accounts {
  private Accounts() {}

  /** A group of facts for each. */
  static List<FactGroup> facts(RunDirectory run) {
    Path folder = run.answers("");
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .filter(file -> file.toString().endsWith(".json"))
          .sorted()
          .map(file -> group(Json.read(file, Interpreters.Account.class)))
          .toList();
    } catch (IOException failure) {
      throw new PalimpsestException(
          "cannot list " + folder + ": " + AtomicFiles.describe(failure), failure);
    }
  }

  private static FactGroup group(Interpreters.Account account) {
    AnswerTally answers = account.answers();
    List<Fact> facts = new ArrayList<>();
    account.served().ifPresent(name -> facts.add(new Fact("the server calls it", name)));
    account
        .labelsBy()
        .flatMap(LabelWay::labelled)
        .ifPresent(way -> facts.add(new Fact("probabilities by", way.words())));
    account
        .findings()
        .forEach((way, found) -> facts.add(new Fact("asked by '" + way + "'", found)));
    facts.add(new Fact("texts written", count(answers.written())));
    facts.add(new Fact("label questions", count(answers.labelled())));
    if (answers.incomplete() > 0) {
      facts.add(
          new Fact(
              "of these with labels untold",
              String.format(
                  Locale.ROOT,
                  "%,d; untold probability at most %.4f on average",
                  answers.incomplete(),
                  answers.meanMissing())));
    }
    if (answers.refused() > 0) {
      facts.add(new Fact("refusals", count(answers.refused())));
    }
    facts.add(new Fact("calls", count(answers.usage().calls())));
    facts.add(new Fact("tokens read", count(answers.usage().promptTokens())));
    facts.add(new Fact("tokens written", count(answers.usage().writtenTokens())));
    if (account.cost() > 0) {
      facts.add(new Fact("cost", String.format(Locale.ROOT, "%.2f", account.cost())));
    }
    return new FactGroup("Language model " + account.model(), facts);
  }

  private static String count(long number) {
    return String.format(Locale.ROOT, "%,d", number);
  }
}
