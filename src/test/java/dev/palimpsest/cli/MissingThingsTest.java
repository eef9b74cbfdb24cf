package dev.palimpsest.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.cli.TrainRuns.Outcome;
import dev.palimpsest.model.ModelSource;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a command names and is not there is wrong usage, whatever it is, and told in one line. */
final class MissingThingsTest {
  @TempDir private Path folder;

  @Test
  void areOneKindOfFaultWithOneStatus() throws Exception {
    Path bare = Files.createDirectories(folder.resolve("bare"));
    Path embedded = ModelSource.resolve(ModelSource.EMBEDDED);
    for (String file : new String[] {"config.json", "tokenizer.json"}) {
      Files.copy(embedded.resolve(file), bare.resolve(file));
    }
    Path wordless = Files.createDirectories(folder.resolve("wordless"));
    for (String file : new String[] {"config.json", "model.safetensors"}) {
      Files.copy(embedded.resolve(file), wordless.resolve(file));
    }
    Path text = Files.writeString(folder.resolve("a.txt"), "One day. ".repeat(2000));
    Path yaml = folder.resolve("a.yaml");
    Files.writeString(yaml, "coders: [{hookpoint: layers.2.mlp, num_latents: 32, k: 4}]\n");
    String out = folder.resolve("out").toString();
    String gone = folder.resolve("gone").toString();

    told(2, "gone", "run", gone, "--out", out);
    told(2, "gone", "run", yaml.toString(), "--out", out, "--set", "model=" + gone);
    told(2, "gone", "run", yaml.toString(), "--out", out, "--set", "data.files=[" + gone + "]");
    told(2, "tokenizer.json", "run", yaml.toString(), "--out", out, "--set", "model=" + wordless);
    told(2, "model.safetensors", "run", yaml.toString(), "--out", out, "--set", "model=" + bare);
    told(
        2,
        "gone",
        "run",
        yaml.toString(),
        "--out",
        out,
        "--set",
        "coders=[{hookpoint: layers.2.mlp, path: " + gone + "}]");
    for (String stage : new String[] {"cache", "explain", "rewrite", "report"}) {
      told(2, "gone", stage, gone);
    }
    told(2, "gone", "inspect", gone, "3");
    String hook = "--hookpoint=layers.2.mlp";
    told(2, "gone", "train", gone, hook, "--data", text.toString(), "--out", out);
    told(2, "gone", "train", "embedded", hook, "--data", gone, "--out", out);
    told(2, "tokenizer", "train", wordless.toString(), hook, "--data=" + text, "--out", out);
    told(2, "gone", "eval", gone, "--model", "embedded", "--data", text.toString());
    told(2, "gone", "ask", "embedded", "--prompts", gone);
    told(2, "gone", "report", out, "--readme", gone);
    assertThat(folder.resolve("out")).doesNotExist();
  }

  private static void told(int status, String what, String... arguments) {
    Outcome outcome = TrainRuns.palimpsest(arguments);
    assertThat(outcome.status()).as(String.join(" ", arguments) + outcome.err()).isEqualTo(status);
    assertThat(outcome.err().lines().filter(line -> line.startsWith("palimpsest: ")))
        .singleElement()
        .asString()
        .contains(what);
  }
}
