package dev.palimpsest.report;

import dev.palimpsest.report.LatentPage.Context;
import dev.palimpsest.report.LatentPage.ContextToken;
import dev.palimpsest.report.LatentPage.TokenWeight;
import dev.palimpsest.report.RewriteTable.Baseline;
import dev.palimpsest.report.RewriteTable.Rewrite;
import dev.palimpsest.results.Interval;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Random;

/** Made-up but likely-looking data; the same on every call. */
final class SampleReports {
  static final double[] FRACTIONS = {.001, .01, .05, .1, .2, .4, .6, .8, 1};

  private static final String[] STORY =
      ("Once upon a time , there was a little girl named Lily . She loved to play with her cat ."
              + " One day , the cat saw a big red ball near the tree and ran to it .\n"
              + " Lily laughed and said , \" Look , mom ! The kitten is so happy today . \"")
          .split("(?= )");

  private SampleReports() {}

  static ReportData full() {
    return new ReportData(
        "Rewriting layers.2.mlp of the embedded model in words",
        "A skip transcoder of 4096 latents, each explained in words and simulated from them.",
        List.of(
            new FactGroup(
                "Language model",
                List.of(
                    new Fact("model", "embedded (GPT-NeoX, 4 layers, d 128, 1.3 M parameters)"),
                    new Fact("vocabulary", "2 048"))),
            new FactGroup(
                "Sparse coder",
                List.of(
                    new Fact("hookpoint", "layers.2.mlp"),
                    new Fact("latents", "4096"),
                    new Fact("k", "32"),
                    new Fact("kind", "skip transcoder"))),
            new FactGroup(
                "Text",
                List.of(
                    new Fact("files", "embedded"),
                    new Fact("tokens", "682 103"),
                    new Fact("seed", "0"))),
            new FactGroup(
                "Time taken", List.of(new Fact("train", "71 s"), new Fact("rewrite", "62 s"))),
            new FactGroup(
                "Versions",
                List.of(new Fact("palimpsest", "0.1.0, commit 1234abc"), new Fact("java", "17")))),
        List.of(
            table("layers.2.mlp", "all-tokens", 1),
            table("layers.2.mlp", "last-token", 2),
            table("layers.2", "all-tokens", 3)),
        List.of(curve("layers.2.mlp", 1), curve("layers.2", 2)),
        List.of(latents("layers.2.mlp", 4)));
  }

  static ReportData minimal() {
    return new ReportData("Nothing yet", "", List.of(), List.of(), List.of(), List.of());
  }

  static RewriteTable table(String hookpoint, String protocol, long seed) {
    Random random = new Random(seed);
    double clean = 2.47;
    double scale = protocol.equals("last-token") ? 1.4 : 1;
    Map<String, Baseline> baselines = new LinkedHashMap<>();
    baselines.put("unspliced", baseline(clean, 0, 0));
    baselines.put("transcoder", baseline(clean, .021 * scale, .002));
    baselines.put("zero_latents", baseline(clean, .152 * scale, .006));
    baselines.put("zero_output", baseline(clean, .183 * scale, .007));
    baselines.put("mean_output", baseline(clean, .149 * scale, .006));
    baselines.put("mean_latents", baseline(clean, .139 * scale, .006));
    baselines.put("random_latents", baseline(clean, .71 * scale, .02));
    baselines.put("shuffled_explanations", baseline(clean, .171 * scale, .008));
    List<RewriteTable.Rival> rivals =
        List.of(
            new RewriteTable.Rival(
                "bigram",
                baseline(clean, .05 * scale, .004),
                OptionalDouble.of(.7785),
                Optional.of(new Interval(.76, .8)),
                beyond(.76)));
    List<Rewrite> rewrites = new ArrayList<>();
    for (String calibration : List.of("none", "quantile", "conditional-mean")) {
      for (String selection : List.of("best", "random")) {
        for (boolean reselect : new boolean[] {false, true}) {
          for (double f : FRACTIONS) {
            rewrites.add(rewrite(calibration, selection, reselect, f, clean, scale, random));
          }
        }
      }
    }
    return new RewriteTable(
        hookpoint,
        protocol,
        1024,
        1024 * 127,
        baselines,
        Optional.of("mean_latents"),
        rivals,
        rewrites);
  }

  private static Rewrite rewrite(
      String calibration,
      String selection,
      boolean reselect,
      double f,
      double clean,
      double scale,
      Random random) {
    double share = Math.pow(f, selection.equals("best") ? 1.25 : 1.0);
    double worst =
        switch (calibration) {
          case "none" -> reselect ? 1.9 : 4.6;
          case "quantile" -> reselect ? .2 : .15;
          default -> reselect ? .11 : .074;
        };
    double delta = scale * (.021 + (worst - .021) * share) + random.nextGaussian() * .001;
    double half = .003 + delta * .04;
    double recovered = (.152 * scale - delta) / (.131 * scale);
    double zeroSame = scale * (.021 + .131 * share);
    return new Rewrite(
        "lexical",
        calibration,
        selection,
        f,
        reselect,
        OptionalDouble.of(clean + delta),
        OptionalDouble.of(delta),
        Optional.of(new Interval(delta - half, delta + half)),
        OptionalDouble.of(delta * .8),
        OptionalDouble.of(delta * 1.05),
        OptionalDouble.of(1 - delta),
        OptionalDouble.of(recovered),
        Optional.of(new Interval(recovered - .04, recovered + .04)),
        OptionalDouble.of(Math.exp(-Math.abs(recovered) * 30)),
        OptionalDouble.of(clean + zeroSame),
        OptionalDouble.of(Math.exp(-Math.abs(zeroSame - delta) * 400)),
        OptionalDouble.of(Math.min(1, 50 * Math.exp(-Math.abs(recovered) * 30))),
        OptionalDouble.of(Math.min(1, 50 * Math.exp(-Math.abs(zeroSame - delta) * 400))),
        beyond((.139 * scale - delta) / (.118 * scale)));
  }

  private static RewriteTable.BeyondStrongest beyond(double recovered) {
    return new RewriteTable.BeyondStrongest(
        OptionalDouble.of(recovered),
        Optional.of(new Interval(recovered - .05, recovered + .05)),
        OptionalDouble.of(Math.exp(-Math.abs(recovered) * 30)),
        OptionalDouble.of(Math.min(1, 50 * Math.exp(-Math.abs(recovered) * 30))));
  }

  private static Baseline baseline(double clean, double delta, double half) {
    return new Baseline(
        OptionalDouble.of(clean + delta),
        OptionalDouble.of(delta),
        Optional.of(new Interval(delta - half, delta + half)),
        OptionalDouble.empty(),
        OptionalDouble.of(delta * 1.1),
        OptionalDouble.of(1 - delta));
  }

  private static TrainingCurve curve(String coder, long seed) {
    Random random = new Random(seed);
    List<TrainingCurve.Step> steps = new ArrayList<>();
    List<TrainingCurve.HeldOut> held = new ArrayList<>();
    for (int step = 0; step < 1200; step++) {
      double fvu = .12 * seed + .9 * Math.exp(-step / 120.0) + .02 * random.nextDouble();
      steps.add(new TrainingCurve.Step(step, fvu));
      if (step % 200 == 199) {
        held.add(new TrainingCurve.HeldOut(step, fvu + .01, OptionalDouble.of(.9)));
      }
    }
    return new TrainingCurve(coder, steps, held);
  }

  static CoderLatents latents(String coder, int count) {
    Random random = new Random(7);
    List<Double> densities = new ArrayList<>();
    List<Double> scores = new ArrayList<>();
    for (int i = 0; i < 4096; i++) {
      densities.add(
          i % 37 == 0 ? 0 : Math.min(.9, Math.pow(10, -2.4 + random.nextGaussian() * .6)));
    }
    for (int i = 0; i < 3000; i++) {
      scores.add(Math.min(1, Math.max(.4, .78 + random.nextGaussian() * .12)));
    }
    List<LatentPage> pages = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      pages.add(page(coder, 17 + 101 * i, random));
    }
    return new CoderLatents(
        coder, List.of(new Fact("explained", "3 012 of 4 096")), densities, scores, pages);
  }

  private static LatentPage page(String coder, int latent, Random random) {
    float[] values = new float[500];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) Math.min(6.2, -Math.log(random.nextDouble()) * 1.3);
    }
    List<Context> contexts = new ArrayList<>();
    for (int c = 0; c < 8; c++) {
      List<ContextToken> tokens = new ArrayList<>();
      for (int t = 0; t < 32; t++) {
        String text = STORY[(c * 5 + t) % STORY.length];
        boolean active = text.equals(" cat") || text.equals(" kitten");
        double activation = active ? (8 - c) * .75 * (.6 + .4 * random.nextDouble()) : 0;
        double guess = active ? 3.9 : text.equals(" the") ? 1.1 : .02;
        tokens.add(new ContextToken(text, activation, OptionalDouble.of(guess)));
      }
      contexts.add(new Context(c < 4 ? "top" : "quantile " + (10 - c), tokens));
    }
    return new LatentPage(
        coder,
        latent,
        List.of(latent == 17 ? "best score" : "random"),
        latent == 118
            ? Optional.empty()
            : Optional.of("' cat' or ' dog', mostly after ' the'; strongest on ' kitten'"),
        "lexical",
        latent == 118 ? List.of() : List.of(new LatentPage.Score("detection", .913)),
        OptionalDouble.of(.0123),
        OptionalDouble.of(6.2),
        List.of(
            new TokenWeight(" purr", .61),
            new TokenWeight(" meow", .58),
            new TokenWeight("s", .41)),
        List.of(new TokenWeight(" dog", -.5), new TokenWeight("\n", -.31)),
        Optional.of(LatentPage.Histogram.of(values, 24)),
        contexts,
        List.of());
  }

  /** Tokens that try to break out, reorder the page or are no text at all. */
  static ReportData hostile() {
    List<String> evil =
        List.of(
            "</script><img src=x onerror=alert(1)>",
            "\" onmouseover=\"alert(1)",
            "<!--",
            "]]>",
            "${7*7}<#assign x=1>",
            "\u0000\u0001\u001b[31m\u007f\u0085",
            "\ud800",
            "a\udc00b",
            "\u202Eright to left override",
            "שלום עולם",
            "مرحبا بالعالم",
            "\u200b\ufeff\u2028",
            "&amp;",
            "\uffff",
            "👩‍👩‍👧",
            "a very " + "long".repeat(60) + " word",
            "\n\n\t");
    List<ContextToken> tokens = new ArrayList<>();
    List<TokenWeight> weights = new ArrayList<>();
    for (int i = 0; i < evil.size(); i++) {
      tokens.add(new ContextToken(evil.get(i), i % 2 == 0 ? 1 + i : 0, OptionalDouble.of(i % 3)));
      weights.add(new TokenWeight(evil.get(i), 1 - i));
    }
    String all = String.join(" ", evil);
    LatentPage page =
        new LatentPage(
            "layers.0.mlp" + evil.get(0),
            3,
            List.of(evil.get(0)),
            Optional.of(all),
            evil.get(0),
            List.of(new LatentPage.Score(evil.get(0), Double.NaN)),
            OptionalDouble.of(0),
            OptionalDouble.of(0),
            weights,
            weights,
            Optional.of(new LatentPage.Histogram(0, 0, List.of(0L, 0L))),
            List.of(
                new Context(evil.get(0), tokens),
                new Context(
                    "",
                    List.of(
                        new ContextToken("שלום עולם", 0, OptionalDouble.empty()),
                        new ContextToken(" יום", 2, OptionalDouble.empty()))),
                new Context("empty", List.of())),
            evil);
    RewriteTable t = table("layers.0" + evil.get(0), evil.get(1), 3);
    return new ReportData(
        all,
        all,
        List.of(new FactGroup(evil.get(0), List.of(new Fact(evil.get(0), all)))),
        List.of(t),
        List.of(
            new TrainingCurve(
                evil.get(0),
                List.of(new TrainingCurve.Step(0, Double.NaN), new TrainingCurve.Step(1, 3)),
                List.of())),
        List.of(
            new CoderLatents(
                evil.get(0), List.of(), List.of(0.0, 0.0), List.of(Double.NaN), List.of(page))));
  }
}
