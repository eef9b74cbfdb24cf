package dev.palimpsest.experiment;

import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.FileDigests;
import dev.palimpsest.base.Json;
import dev.palimpsest.base.UsageException;
import dev.palimpsest.language.LocalTextModel;
import dev.palimpsest.llm.AnswerTally;
import dev.palimpsest.llm.AskedModel;
import dev.palimpsest.llm.Budget;
import dev.palimpsest.llm.Capabilities;
import dev.palimpsest.llm.Endpoint;
import dev.palimpsest.llm.Journal;
import dev.palimpsest.llm.Journaled;
import dev.palimpsest.llm.LocalRespondent;
import dev.palimpsest.llm.Respondent;
import dev.palimpsest.llm.Spending;
import dev.palimpsest.model.ModelDigest;
import dev.palimpsest.model.ModelSource;
import dev.palimpsest.prompted.Asking;
import dev.palimpsest.run.RunDirectory;
import dev.palimpsest.run.RunLog;
import dev.palimpsest.tensor.Device;
import dev.palimpsest.tensor.Precision;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The language models that a run asks, each opened when it is first needed. Every answer is kept in
 * the run's folder {@code answers}, a journal a model; beside it stands what the model can do and
 * what its answers came to.
 */
final class Interpreters implements AutoCloseable {
  private final RunDirectory run;
  private final Device device;
  private final FileDigests digests;
  private final RunLog log;
  private final Spending spending;
  private final Map<String, Opened> opened = new LinkedHashMap<>();

  /**
   * @param device where folders' models live
   * @param budget of all of them together
   */
  Interpreters(RunDirectory run, Device device, FileDigests digests, RunLog log, Budget budget) {
    this.run = run;
    this.device = device;
    this.digests = digests;
    this.log = log;
    spending = new Spending(budget);
  }

  /**
   * Makes sure that a limit of cost can ever be reached.
   *
   * @throws UsageException where no model has prices
   */
  static void requirePrices(ExperimentConfig config, Budget budget) {
    boolean priced =
        Stream.of(
                config.explain().explainer(), config.score().judge(), config.simulate().simulator())
            .flatMap(who -> who.model().stream())
            .anyMatch(model -> !model.prices().isEmpty());
    if (budget.cost().isPresent() && !priced) {
      throw new UsageException(
          "--max-cost needs the prices of a language model, such as"
              + " simulate.simulator.prices=[0.1, 0.4] for a million tokens read and written");
    }
  }

  /** A model that is asked. */
  private record Opened(
      AskedModel model,
      String identity,
      Path file,
      Journal journal,
      Journaled respondent,
      Optional<Endpoint> endpoint) {}

  /**
   * What the answers of a model depend on besides the questions.
   *
   * @return the server's model as far as settings tell; of a folder, nothing but how it is run
   */
  static String settings(AskedModel model) {
    return model.endpoint().isPresent()
        ? model.served()
        : "a folder in " + model.precision() + (model.chat() ? ", conversations" : ", plain texts");
  }

  /** A digest of a folder's files; empty for a server, and where the folder is not there. */
  static String digest(AskedModel model, FileDigests digests) {
    return model
        .folder()
        .filter(folder -> ModelSource.exists(folder))
        .map(folder -> ModelDigest.of(ModelSource.resolve(folder), digests))
        .map(digest -> FileDigests.ofText(String.join("\n", digest.files().values())))
        .orElse("");
  }

  /** Whom to ask. */
  Asking asking(AskedModel model) {
    String identity = settings(model) + digest(model, digests);
    Opened there = opened.get(identity);
    if (there == null) {
      there = open(model, identity);
      opened.put(identity, there);
    }
    return new Asking(there.respondent, model.name(), model.chat());
  }

  private Opened open(AskedModel model, String identity) {
    String name =
        model.name().replaceAll("[^A-Za-z0-9._-]", "-")
            + "-"
            + FileDigests.ofText(identity).substring(0, 8);
    Optional<Endpoint> endpoint =
        model.endpoint().map(any -> new Endpoint(model.settings(), System::getenv));
    endpoint.ifPresent(
        server -> log.says("asking " + server.model() + " at " + model.settings().base()));
    Respondent inner =
        endpoint
            .<Respondent>map(server -> server)
            .orElseGet(
                () ->
                    new LocalRespondent(
                        () ->
                            new LocalTextModel(
                                ModelSource.resolve(model.folder().orElseThrow()),
                                device,
                                Precision.labelled(model.precision()),
                                (long) model.cacheMemory() << 20),
                        identity));
    Journal journal = Journal.open(run.answers(name + ".jsonl"));
    if (journal.damaged() > 0) {
      log.says(
          "note: "
              + run.answers(name + ".jsonl")
              + " has "
              + journal.damaged()
              + " damaged lines; their questions are asked again");
    }
    return new Opened(
        model,
        identity,
        run.answers(name + ".json"),
        journal,
        new Journaled(inner, Optional.of(journal), spending, model.price()),
        endpoint);
  }

  /**
   * What is known of a model that was asked.
   *
   * @param model as in results
   * @param served as the server calls it; empty for a folder
   * @param labelsBy how probabilities of labels were told; empty for a folder, whose are exact, and
   *     where none were asked for
   * @param findings what the server could do, by way
   * @param answers what the answers that are kept came to
   * @param cost by the prices of the settings
   */
  record Account(
      String model,
      Optional<String> served,
      Optional<String> labelsBy,
      Map<String, String> findings,
      AnswerTally answers,
      double cost) {}

  /** Writes what is known of every model that was opened. */
  void write() {
    for (Opened each : opened.values()) {
      AnswerTally tally = each.journal.tally();
      Optional<Capabilities> found =
          tally.labelled() > 0
              ? each.endpoint.map(server -> server.capabilities(each.model.chat()))
              : Optional.empty();
      AtomicFiles.writeString(
          each.file,
          Json.pretty(
              new Account(
                  each.model.name(),
                  each.endpoint.map(Endpoint::model),
                  found.map(can -> can.way().label()),
                  found.map(Capabilities::findings).orElse(Map.of()),
                  tally,
                  each.model.price().of(tally.usage()))));
    }
  }

  @Override
  public void close() {
    try {
      write();
    } finally {
      opened.values().forEach(each -> each.respondent.close());
      opened.clear();
    }
  }
}
