package dev.palimpsest.safetensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.base.PalimpsestException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ShardedSafeTensorsTest {
  @TempDir Path folder;

  @BeforeEach
  void twoShards() {
    new SafeTensorsWriter()
        .add("a", new long[] {2}, new float[] {1, 2})
        .write(folder.resolve("model-00001-of-00002.safetensors"));
    new SafeTensorsWriter()
        .add("b", new long[] {1}, new float[] {3})
        .write(folder.resolve("model-00002-of-00002.safetensors"));
  }

  @Test
  void readsAcrossFiles() throws IOException {
    index(
        "{\"metadata\":{\"total_size\":12},\"weight_map\":{\"b\":\"model-00002-of-00002.safetensors\","
            + "\"a\":\"model-00001-of-00002.safetensors\"}}");
    try (TensorReader reader = ShardedSafeTensors.openCheckpoint(folder)) {
      assertThat(reader.names()).containsExactly("a", "b");
      assertThat(reader.floats("a")).containsExactly(1, 2);
      assertThat(reader.floats("b")).containsExactly(3);
      assertThatThrownBy(() -> reader.expectShape("b", 2))
          .hasMessageContaining("model-00002-of-00002.safetensors: tensor 'b' has shape [1]");
      assertThatThrownBy(() -> reader.floats("c"))
          .hasMessageContaining("model.safetensors.index.json: no tensor 'c'");
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{}|expected an object 'weight_map'",
        "{\"weight_map\":{\"a\":\"../x.safetensors\"}}|expected the name of a file beside the index",
        "{\"weight_map\":{\"a\":3}}|expected the name of a file beside the index",
        "{\"weight_map\":{\"a\":\"gone.safetensors\"}}|no such file",
        "{\"weight_map\":{\"a\":\"model-00002-of-00002.safetensors\"}}|which does not have it",
        "{\"weight_map\":|index.json",
      })
  void badIndicesAreNamed(String json, String message) throws IOException {
    index(json);
    assertThatThrownBy(() -> ShardedSafeTensors.openCheckpoint(folder))
        .isInstanceOf(PalimpsestException.class)
        .hasMessageContaining(message);
  }

  @Test
  void aFolderWithoutWeightsSaysWhatItWants() {
    assertThatThrownBy(() -> ShardedSafeTensors.openCheckpoint(folder))
        .isInstanceOf(PalimpsestException.class)
        .hasMessageContaining("expected model.safetensors or model.safetensors.index.json");
  }

  private void index(String json) throws IOException {
    Files.writeString(folder.resolve(ShardedSafeTensors.INDEX_FILE), json);
  }
}
