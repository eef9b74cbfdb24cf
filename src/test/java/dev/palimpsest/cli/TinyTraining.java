package dev.palimpsest.cli;

import dev.palimpsest.cli.TrainRuns.Outcome;
import dev.palimpsest.model.TestModels;
import dev.palimpsest.safetensors.SafeTensors;
import dev.palimpsest.safetensors.SafeTensorsWriter;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Training runs of a moment on the reference checkpoint of GPT-NeoX, which has no tokenizer. */
final class TinyTraining {
  /** The end-of-text id of the text. */
  static final int MARK = 3;

  private TinyTraining() {}

  /** Ids of 16 bits; documents of eight tokens. */
  static Path tokens(Path file, int length, int salt) throws IOException {
    ByteBuffer ids = ByteBuffer.allocate(2 * length).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < length; i++) {
      ids.putShort((short) (i % 9 == 0 ? MARK : 4 + (i * i + salt) % 90));
    }
    return Files.write(file, ids.array());
  }

  /** A copy of the reference checkpoint. */
  static Path model(Path folder) throws IOException {
    Files.createDirectories(folder);
    for (String name : List.of("config.json", "model.safetensors")) {
      Files.copy(TestModels.golden("gpt_neox").resolve(name), folder.resolve(name));
    }
    return folder;
  }

  /** Adds to the first number of a tensor. */
  static void change(Path model, String tensor, float by) throws IOException {
    Path file = model.resolve("model.safetensors");
    SafeTensorsWriter writer = new SafeTensorsWriter();
    try (SafeTensors weights = SafeTensors.open(file)) {
      for (String name : weights.names()) {
        float[] values = weights.floats(name);
        values[0] += name.endsWith(tensor) ? by : 0;
        writer.add(name, weights.info(name).shape(), values);
      }
    }
    Files.delete(file);
    writer.write(file);
  }

  /** Trains for 24 steps; the caller's options come before those of the run. */
  static Outcome train(String model, Path text, Path out, String... more) {
    List<String> quiet = new ArrayList<>(List.of("--quiet"));
    quiet.addAll(Arrays.asList(more));
    return trainAloud(model, text, out, quiet.toArray(String[]::new));
  }

  /** The same with notes and progress on stderr. */
  static Outcome trainAloud(String model, Path text, Path out, String... more) {
    List<String> options = new ArrayList<>(List.of("train", model, "--json"));
    options.addAll(Arrays.asList(more));
    String[][] rest = {
      {"--data", text.toString()},
      {"--token-dtype", "u16"},
      {"--end-of-text", "" + MARK},
      {"--hookpoint", "layers.1.mlp"},
      {"--num-latents", "32"},
      {"--k", "4"},
      {"--tokens", "480"},
      {"--batch-tokens", "20"},
      {"--ctx-len", "8"},
      {"--checkpoint-every", "5"},
      {"--eval-tokens", "64"},
      {"--eval-every", "8"},
      {"--threads", "1"},
      {"--token-cache", out.resolveSibling("tokens").toString()},
      {"--out", out.toString()}
    };
    for (String[] option : rest) {
      if (!options.contains(option[0])) {
        options.addAll(List.of(option));
      }
    }
    return TrainRuns.palimpsest(options.toArray(String[]::new));
  }
}
