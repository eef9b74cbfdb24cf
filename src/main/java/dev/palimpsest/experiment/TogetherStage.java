package dev.palimpsest.experiment;

import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.Json;
import dev.palimpsest.base.StateFiles;
import dev.palimpsest.coder.SparseCoder;
import dev.palimpsest.report.Numbers;
import dev.palimpsest.results.HeadlineOrder;
import dev.palimpsest.results.Protocol;
import dev.palimpsest.results.RewriteConfig;
import dev.palimpsest.results.RewriteResult;
import dev.palimpsest.results.TogetherResult;
import dev.palimpsest.rewrite.LayersTogether;
import dev.palimpsest.rewrite.RewriteInputs;
import dev.palimpsest.run.RunDirectory;
import dev.palimpsest.run.RunLog;
import dev.palimpsest.run.StageLedger;
import dev.palimpsest.run.StageLedger.Stage;
import dev.palimpsest.run.StageName;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** The losses with all layers replaced at once that have coders: one coder a layer. */
final class TogetherStage {
  private final ExperimentConfig config;
  private final RunDirectory run;
  private final RunLog log;
  private final StageLedger ledger;
  private final RunContext bench;
  private final List<StagePlan> plans;

  /**
   * @param plans of all coders of the run
   */
  TogetherStage(
      ExperimentConfig config,
      RunDirectory run,
      RunLog log,
      StageLedger ledger,
      RunContext bench,
      List<StagePlan> plans) {
    this.config = config;
    this.run = run;
    this.log = log;
    this.ledger = ledger;
    this.bench = bench;
    this.plans = plans;
  }

  /** Whether it is asked for: of tables of all tokens. */
  static boolean isWanted(ExperimentConfig config) {
    return config.rewrite().together() && config.windows(Protocol.ALL_TOKENS).enabled();
  }

  /**
   * @param again whether it is done anew where it is up to date
   */
  void run(boolean again) {
    List<StagePlan> chosen = onePerLayer();
    ledger.ensure(stage(chosen), again, () -> measure(chosen), log);
  }

  /** The first coder of each layer, from the lowest up. */
  private List<StagePlan> onePerLayer() {
    Map<Integer, StagePlan> byLayer = new TreeMap<>();
    plans.forEach(
        plan -> byLayer.putIfAbsent(bench.model().layerOf(plan.unit().hookpoint()), plan));
    return List.copyOf(byLayer.values());
  }

  private Stage stage(List<StagePlan> chosen) {
    Map<String, Object> settings = new LinkedHashMap<>();
    settings.put("rewrite", settings());
    settings.put("calibration", calibration());
    Map<String, String> read = new TreeMap<>();
    for (StagePlan plan : chosen) {
      plan.rewrite(Protocol.ALL_TOKENS)
          .orElseThrow()
          .inputs()
          .forEach((what, digest) -> read.put(what + " of " + plan.unit().name(), digest));
    }
    return new Stage(
        StageName.REWRITE.label() + ".together." + Protocol.ALL_TOKENS.label(),
        settings,
        read,
        List.of(run.together(Protocol.ALL_TOKENS.label())));
  }

  private RewriteConfig settings() {
    return RewriteStages.settings(config, Protocol.ALL_TOKENS);
  }

  /** The calibration by which a table is summed up. */
  private String calibration() {
    return config.rewrite().calibrations().stream()
        .min(Comparator.comparing(label -> new HeadlineOrder(1, false, label, "best")))
        .orElseThrow();
  }

  private Object measure(List<StagePlan> chosen) {
    List<SparseCoder> coders = new ArrayList<>();
    try {
      List<RewriteInputs> layers = new ArrayList<>();
      for (StagePlan plan : chosen) {
        SparseCoder coder = SparseCoder.load(run.coder(plan.unit().name()), bench.device());
        coders.add(coder);
        layers.add(
            new RewriteStages(config, run, log, ledger, bench, plan)
                .inputs(coder, settings(), Protocol.ALL_TOKENS, false));
      }
      TogetherResult result = LayersTogether.measure(layers, settings(), calibration(), log);
      AtomicFiles.writeString(run.together(Protocol.ALL_TOKENS.label()), Json.pretty(result));
      return Map.of("windows", result.windows(), "tokens", result.tokens());
    } finally {
      coders.forEach(SparseCoder::close);
    }
  }

  /** One sentence a set of several layers; none where it has not been measured. */
  static List<String> sentences(RunDirectory run) {
    if (!Files.exists(run.together(Protocol.ALL_TOKENS.label()))) {
      return List.of();
    }
    TogetherResult result =
        StateFiles.read(run.together(Protocol.ALL_TOKENS.label()), TogetherResult.class);
    Numbers numbers = new Numbers();
    return result.rows().stream()
        .filter(row -> row.by().equals(TogetherResult.WORDS) && row.replaced().size() > 1)
        .map(
            row ->
                String.join(", ", row.replaced())
                    + " together in words: "
                    + (numbers.signed(row.ceDeltaMean(), 3)
                            + " "
                            + numbers.signed(row.ceDeltaCi95(), 3))
                        .strip()
                    + " nats; with the true coders "
                    + numbers.signed(result.added(row.replaced(), RewriteResult.TRANSCODER), 3)
                    + ", with zero latents "
                    + numbers.signed(result.added(row.replaced(), RewriteResult.ZERO_LATENTS), 3)
                    + "; loss recovered "
                    + numbers.fixed(row.lossRecovered(), 2)
                    + ".")
        .toList();
  }
}
