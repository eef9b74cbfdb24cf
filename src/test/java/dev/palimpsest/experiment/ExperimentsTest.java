package dev.palimpsest.experiment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.base.UsageException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What an experiment's file and the settings of a command stand for. */
class ExperimentsTest {
  @TempDir Path folder;

  private ExperimentConfig read(String yaml, String... assignments) throws IOException {
    Path file = Files.writeString(folder.resolve("experiment.yaml"), yaml);
    return Experiments.fromFile(file, List.of(assignments)).config();
  }

  private static List<String> hookpoints(ExperimentConfig config) {
    return config.coders().stream().map(ExperimentConfig.Coder::hookpoint).toList();
  }

  @Test
  void wholeNumbersAreReadAsOnTheCommandLine() throws IOException {
    ExperimentConfig config =
        read("train: {tokens: 1e6, batch_tokens: 10_000}\ncache: {tokens: 2.5e3}");
    assertThat(config.train().tokens()).isEqualTo(1_000_000);
    assertThat(config.train().batchTokens()).isEqualTo(10_000);
    assertThat(config.cache().tokens()).isEqualTo(2500);
    assertThat(read("name: x", "train.tokens=1e6", "seed=1_0").train().tokens())
        .isEqualTo(1_000_000);
    for (String wrong : List.of("1.5", "many", "[1]", "1e99", "")) {
      assertThatThrownBy(() -> read("train: {tokens: " + wrong + "}"))
          .as(wrong)
          .isInstanceOf(UsageException.class)
          .hasMessageContaining("train.tokens");
    }
  }

  @Test
  void aPatternStandsForSeveralCoders() throws IOException {
    ExperimentConfig config =
        read(
            """
            coder_defaults: {num_latents: 0, expansion_factor: 2, k: 4}
            coders:
              - hookpoint: layers.*.mlp
                transcode: true
              - hookpoint: gpt_neox.layers.2
            """);
    assertThat(hookpoints(config))
        .startsWith("layers.0.mlp", "layers.1.mlp")
        .endsWith("layers.2")
        .doesNotHaveDuplicates();
    assertThat(config.coders()).allMatch(coder -> coder.numLatents() == 256 && coder.k() == 4);
    assertThat(config.coders().get(0).transcode()).isTrue();
    assertThat(hookpoints(read("name: x", "coders=[{hookpoint: 'layers.[0-1]'}]")))
        .containsExactly("layers.0", "layers.1");
  }

  @Test
  void aPlaceHasOneCoder() {
    for (String coders :
        List.of(
            "[{hookpoint: layers.2.mlp}, {hookpoint: gpt_neox.layers.2.mlp}]",
            "[{hookpoint: layers.2.mlp, k: 4}, {hookpoint: layers.*.mlp}]")) {
      assertThatThrownBy(() -> read("coders: " + coders))
          .isInstanceOf(UsageException.class)
          .hasMessageContaining("layers.2.mlp");
    }
    for (String name : List.of("/any/dir", "../../x", "layers.99.mlp", "layers.*.head")) {
      assertThatThrownBy(() -> read("coders: [{hookpoint: '" + name + "'}]"))
          .isInstanceOf(UsageException.class)
          .hasMessageContaining(name);
    }
  }

  @Test
  void pathsCountFromTheFolderOfTheCommand() throws IOException {
    ExperimentConfig config =
        read(
            "model: embedded\ndata: {files: [some/text.txt, embedded, ./a.bin, x/../b.txt]}\n"
                + "coders: [{hookpoint: layers.2, path: coders/mine}]");
    Path here = Path.of("").toAbsolutePath();
    assertThat(config.model()).isEqualTo("embedded");
    assertThat(config.data().files())
        .containsExactly(
            here.resolve("some/text.txt").toString(),
            "embedded",
            here.resolve("a.bin").toString(),
            here.resolve("x/../b.txt").toString());
    assertThat(config.coders().get(0).path()).hasValue(here.resolve("coders/mine").toString());
    assertThatThrownBy(() -> read("data: {files: [\"a\\0b\"]}"))
        .isInstanceOf(UsageException.class)
        .hasMessageContaining("cannot be a path");
  }

  @Test
  void howTextIsReadIsASetting() throws IOException {
    ExperimentConfig config = read("data: {token_dtype: U32, end_of_text: 5}");
    assertThat(config.data().options().tokenWidth()).isPresent();
    for (String wrong : List.of("token_dtype: u8", "end_of_text: -1", "end_of_text: x")) {
      ExperimentConfig bad = read("data: {" + wrong + "}");
      assertThatThrownBy(() -> bad.data().options())
          .isInstanceOf(UsageException.class)
          .hasMessageContaining(wrong.substring(0, wrong.indexOf(':')));
    }
  }
}
