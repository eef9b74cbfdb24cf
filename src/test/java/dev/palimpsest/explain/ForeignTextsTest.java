package dev.palimpsest.explain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.base.PalimpsestException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Explanations go to other programs' files and come back. */
class ForeignTextsTest {
  private static final List<Explanation> TEXTS =
      List.of(
          new Explanation(3, "the word \"cat\", and\nforms of it", "lexical"),
          new Explanation(17, "müde Hunde", "lexical"));

  @TempDir Path folder;

  @Test
  void delphi() throws IOException {
    ForeignTexts.writeDelphi(folder, "layers.2.mlp", TEXTS);
    assertThat(Files.readString(folder.resolve("layers.2.mlp_latent17.txt")))
        .isEqualTo("\"müde Hunde\"");
    // What delphi writes of another hookpoint, and its own scores, are not meant.
    Files.writeString(folder.resolve("layers.3.mlp_latent1.txt"), "\"other\"");
    Files.writeString(folder.resolve("notes.txt"), "{");
    assertThat(ForeignTexts.readDelphi(folder, "layers.2.mlp"))
        .extracting(Explanation::latent, Explanation::text)
        .containsExactly(
            org.assertj.core.groups.Tuple.tuple(3, TEXTS.get(0).text()),
            org.assertj.core.groups.Tuple.tuple(17, TEXTS.get(1).text()));
    assertThatThrownBy(() -> ForeignTexts.readDelphi(folder, "layers.9"))
        .isInstanceOf(PalimpsestException.class)
        .hasMessageContaining("no explanations of layers.9");
    Files.writeString(folder.resolve("layers.2.mlp_latent5.txt"), "{\"a\": 1}");
    assertThatThrownBy(() -> ForeignTexts.readDelphi(folder, "layers.2.mlp"))
        .hasMessageContaining("latent5.txt: expected a JSON string");
  }

  @Test
  void neuronpedia() throws IOException {
    Path file = folder.resolve("explanations.json");
    ForeignTexts.writeNeuronpedia(file, "stories", "layers.2.mlp", TEXTS);
    assertThat(ForeignTexts.readNeuronpedia(file, "layers.2.mlp")).isEqualTo(TEXTS);
    Files.writeString(
        file,
        """
        [{"modelId": "gpt2-small", "layer": "6-res-jb", "index": "12", "description": "cats",
          "explanationModelName": "gpt-4o-mini", "typeName": "oai_token-act-pair"},
         {"modelId": "gpt2-small", "layer": "6-res-jb", "index": 12, "description": "again"}]
        """);
    assertThat(ForeignTexts.readNeuronpedia(file, "any name where there is one layer"))
        .containsExactly(new Explanation(12, "cats", "gpt-4o-mini"));
    for (String wrong :
        List.of("{}", "[]", "[{}]", "[{\"index\": \"x\", \"description\": \"a\"}]", "[")) {
      Files.writeString(file, wrong);
      assertThatThrownBy(() -> ForeignTexts.readNeuronpedia(file, "l"))
          .as(wrong)
          .isInstanceOf(PalimpsestException.class)
          .hasMessageContaining("explanations.json");
    }
  }
}
