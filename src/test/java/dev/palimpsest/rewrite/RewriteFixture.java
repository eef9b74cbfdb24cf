package dev.palimpsest.rewrite;

import dev.palimpsest.coder.CoderConfig;
import dev.palimpsest.coder.SparseCoder;
import dev.palimpsest.latents.LatentStream;
import dev.palimpsest.model.LanguageModel;
import dev.palimpsest.results.Protocol;
import dev.palimpsest.results.RewriteConfig;
import dev.palimpsest.results.Selection;
import dev.palimpsest.rivals.RivalRows;
import dev.palimpsest.simulate.CalibrationMeans;
import dev.palimpsest.simulate.CalibrationStore;
import dev.palimpsest.simulate.CalibrationText;
import dev.palimpsest.simulate.LatentPredictor;
import dev.palimpsest.simulate.SimulateConfig;
import dev.palimpsest.simulate.SimulateStage;
import dev.palimpsest.tensor.Device;
import dev.palimpsest.text.ExcludedTokens;
import dev.palimpsest.text.TokenWindows;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import org.bytedeco.javacpp.FloatPointer;

/** A tiny model, a random coder of one of its modules, random text and random predictors. */
final class RewriteFixture implements AutoCloseable {
  static final int M = 48;
  static final int K = 6;
  static final int VOCABULARY = 101;
  static final int EXCLUDED = 3;
  static final long SEED = 20;

  final LanguageModel model;
  final SparseCoder coder;
  final String hookpoint;
  final boolean transcode;
  final ExcludedTokens excluded = ExcludedTokens.of(EXCLUDED);

  RewriteFixture(String family, String hookpoint, boolean transcode, boolean skip) {
    this(family, hookpoint, transcode, skip, Device.cpu());
  }

  RewriteFixture(String family, String hookpoint, boolean transcode, boolean skip, Device device) {
    model = LanguageModel.load(Path.of("src/test/resources/golden/models", family), device);
    this.hookpoint = hookpoint;
    this.transcode = transcode;
    int width = model.config().width();
    CoderConfig config =
        transcode
            ? CoderConfig.transcoder(width, M, K, skip)
            : CoderConfig.autoencoder(width, M, K);
    coder = SparseCoder.initialise(config, 5, device);
    SplittableRandom random = new SplittableRandom(6);
    fill(coder.decoder(), M * width, 0.4, random);
    fill(coder.decoderBias(), width, 0.2, random);
    fill(coder.encoderBias(), M, 0.1, random);
    coder.skip().ifPresent(s -> fill(s, width * width, 0.1, random));
    coder.refresh();
  }

  private void fill(FloatPointer pointer, int count, double scale, SplittableRandom random) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) (scale * (2 * random.nextDouble() - 1));
    }
    coder.device().memory().put(values, pointer, count);
  }

  /** Random text, about one token in twelve excluded; two windows a document. */
  static TokenWindows text(int windows, int length, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    int[][] ids = new int[windows][length];
    for (int[] window : ids) {
      Arrays.setAll(window, i -> random.nextInt(12) == 0 ? EXCLUDED : random.nextInt(VOCABULARY));
    }
    return new TokenWindows() {
      @Override
      public int contextLength() {
        return length;
      }

      @Override
      public long size() {
        return windows;
      }

      @Override
      public long document(long index) {
        return index / 2;
      }

      @Override
      public void read(long index, int[] into, int offset) {
        System.arraycopy(ids[(int) index], 0, into, offset, length);
      }
    };
  }

  /** Every third latent unscored, the others in a scrambled order with ties. */
  static double score(int latent) {
    return latent % 3 == 1 ? Double.NaN : latent * 7 % 11;
  }

  /** A predictor that reads the context up to each position and nothing else. */
  static LatentPredictor guesses(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    float[] defaults = new float[M];
    for (int i = 0; i < M; i++) {
      defaults[i] = random.nextInt(3) == 0 ? (float) (0.3 * random.nextDouble()) : 0f;
    }
    float[] offsets = new float[seed % 2 == 0 ? M : 0];
    for (int i = 0; i < offsets.length; i++) {
      offsets[i] = (i % 5 - 2) / 10f;
    }
    return new LatentPredictor() {
      @Override
      public int latents() {
        return M;
      }

      @Override
      public float[] defaults() {
        return defaults;
      }

      @Override
      public float[] offsets() {
        return offsets;
      }

      @Override
      public void predict(int[] context, Sink sink) {
        long hash = seed;
        for (int t = 0; t < context.length; t++) {
          hash = 31 * hash + context[t];
          SplittableRandom here = new SplittableRandom(hash);
          for (int latent = 0; latent < M; latent++) {
            if (here.nextInt(6) == 0) {
              sink.accept(t, latent, Math.max(0f, here.nextInt(6) - 1) / 4f);
            }
          }
        }
      }
    };
  }

  /** Makes a coder in which nothing fires. */
  void kill() {
    float[] biases = new float[M];
    Arrays.fill(biases, -1e6f);
    coder.device().memory().put(biases, coder.encoderBias(), M);
    coder.refresh();
  }

  /** A predictor of zeros. */
  static LatentPredictor silence() {
    return constant(0);
  }

  /** A predictor of one activation for every latent and token. */
  static LatentPredictor constant(float activation) {
    float[] defaults = new float[M];
    Arrays.fill(defaults, activation);
    return new LatentPredictor() {
      @Override
      public int latents() {
        return M;
      }

      @Override
      public float[] defaults() {
        return defaults;
      }

      @Override
      public void predict(int[] context, Sink sink) {}
    };
  }

  /** A predictor that cheats: it runs the model and the coder. */
  LatentPredictor oracle() {
    BruteForce truth = new BruteForce(this);
    return new LatentPredictor() {
      @Override
      public int latents() {
        return M;
      }

      @Override
      public float[] defaults() {
        return new float[M];
      }

      @Override
      public void predict(int[] context, Sink sink) {
        double[][] latents = truth.clean(context).latents();
        for (int t = 0; t < context.length; t++) {
          for (int i = 0; i < M; i++) {
            if (latents[t][i] > 0) {
              sink.accept(t, i, (float) latents[t][i]);
            }
          }
        }
      }
    };
  }

  static Map<String, LatentPredictor> predictors() {
    Map<String, LatentPredictor> predictors = new LinkedHashMap<>();
    predictors.put("quantile", guesses(1));
    predictors.put("conditional-mean", guesses(2));
    return predictors;
  }

  CalibrationMeans means() {
    return measure(model, coder, hookpoint, transcode, text(7, 10, 8), excluded);
  }

  /** The means over a text, by the simulate stage's own pass. */
  static CalibrationMeans measure(
      LanguageModel model,
      SparseCoder coder,
      String hookpoint,
      boolean transcode,
      TokenWindows text,
      ExcludedTokens excluded) {
    int latents = coder.config().numLatents();
    try {
      Path folder = Files.createTempDirectory("palimpsest-means");
      Path file = folder.resolve("calibrations.jsonl");
      SimulateStage.run(
          new LatentStream(model, coder, hookpoint, transcode, excluded),
          new CalibrationText(text, 0),
          List.of(new SimulateStage.Rated(new MuteSimulator(latents), file)),
          new float[latents],
          new SimulateConfig(text.size() * text.contextLength(), 30, 0, 0),
          Map.of(),
          tokens -> {});
      CalibrationMeans means = CalibrationStore.read(file).means();
      Files.delete(file);
      Files.delete(folder);
      return means;
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  static Optional<RewriteInputs.Shuffled> shuffled() {
    return Optional.of(
        new RewriteInputs.Shuffled(
            guesses(9), guesses(11), Optional.of(guesses(12)), Optional.of(guesses(13))));
  }

  /** A rival that says the last two tokens, and half of what the module reads in a third number. */
  static float[] echo(RivalRows rows) {
    float[] said = new float[rows.count() * rows.width()];
    float[] inputs = rows.inputs().get();
    for (int r = 0; r < rows.count(); r++) {
      int at = r * rows.width();
      int position = rows.positions()[r];
      said[at] = rows.contexts()[r][position] / 50f;
      said[at + 1] = position == 0 ? -1 : rows.contexts()[r][position - 1] / 50f;
      said[at + 2] = inputs[at + 2] / 2;
    }
    return said;
  }

  RewriteInputs inputs(
      TokenWindows windows,
      Map<String, LatentPredictor> predictors,
      Optional<RewriteInputs.Shuffled> shuffled) {
    return new RewriteInputs(
        model,
        coder,
        hookpoint,
        transcode,
        windows,
        means(),
        predictors,
        shuffled,
        Map.of("echo", RewriteFixture::echo),
        RewriteFixture::score,
        excluded);
  }

  static RewriteConfig config(Protocol protocol, int context, List<String> calibrations) {
    return new RewriteConfig(
        protocol,
        context,
        0,
        3 * context,
        "test",
        calibrations,
        List.of(0.001, 0.3, 1.0),
        List.of(Selection.BEST, Selection.RANDOM),
        List.of(false, true),
        200,
        SEED,
        0);
  }

  @Override
  public void close() {
    coder.close();
    model.close();
  }
}
