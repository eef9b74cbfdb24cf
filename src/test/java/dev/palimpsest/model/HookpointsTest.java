package dev.palimpsest.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.base.UsageException;
import java.util.List;
import org.junit.jupiter.api.Test;

class HookpointsTest {
  private final Hookpoints neox =
      Hookpoints.of(ModelConfig.read(TestModels.golden("gpt_neox"))); // three layers

  @Test
  void namesHaveOneForm() {
    assertThat(neox.named("layers.2.mlp")).containsExactly("layers.2.mlp");
    assertThat(neox.named("gpt_neox.layers.2.mlp")).containsExactly("layers.2.mlp");
  }

  @Test
  void patternsStandForWhatTheyMatch() {
    assertThat(neox.named("layers.*.mlp"))
        .containsExactly("layers.0.mlp", "layers.1.mlp", "layers.2.mlp");
    assertThat(neox.named("layers.*")).containsExactly("layers.0", "layers.1", "layers.2");
    assertThat(neox.named("layers.[0-1]")).containsExactly("layers.0", "layers.1");
    assertThat(neox.named("gpt_neox.layers.1.{mlp,attention}"))
        .containsExactlyInAnyOrder("layers.1.attention", "layers.1.mlp");
    assertThat(neox.named("*.?.m*p")).hasSize(3);
  }

  @Test
  void whatNamesNothingIsRefused() {
    for (String word :
        List.of(
            "layers.3", "layers.9*", "layers.{0", "layers.[0", "layers.[2-0]", "/any/dir", "")) {
      assertThatThrownBy(() -> neox.named(word))
          .as(word)
          .isInstanceOf(UsageException.class)
          .hasMessageContaining(word);
    }
  }
}
