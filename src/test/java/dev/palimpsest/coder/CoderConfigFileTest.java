package dev.palimpsest.coder;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.UsageException;
import dev.palimpsest.kernels.Activation;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code cfg.json} in the forms it has had over the years, and in forms it must not have. */
class CoderConfigFileTest {
  private static final long[] ENCODER = {96, 12};

  @TempDir private Path folder;

  private CoderConfig read(String json) throws IOException {
    return CoderConfigFile.read(
        Files.writeString(folder.resolve("cfg.json"), json), ENCODER, false);
  }

  @Test
  void keyTranscodeAloneDecidesWhetherTheDecoderBiasIsSubtracted() throws IOException {
    CoderConfig old =
        read(
            "{\"expansion_factor\": 32, \"normalize_decoder\": true, \"num_latents\": 96, \"k\": 8,"
                + " \"signed\": false, \"skip_connection\": true, \"d_in\": 12}");
    assertThat(old.transcode()).isFalse();
    assertThat(old.subtractDecoderBias()).isTrue();
    assertThat(old.skipConnection()).isTrue();
    assertThat(read("{\"k\": 8, \"transcode\": false}").subtractDecoderBias()).isTrue();
    assertThat(read("{\"k\": 8, \"transcode\": true}").subtractDecoderBias()).isFalse();
  }

  @Test
  void missingKeysTakeDefaultsOrTheEncodersShape() throws IOException {
    assertThat(read("{\"unknown\": {\"a\": [1]}}"))
        .isEqualTo(new CoderConfig(Activation.TOPK, 12, 96, 32, 32, true, false, false, false));
    assertThat(read("{\"num_latents\": 0, \"expansion_factor\": 8, \"k\": 4}").numLatents())
        .isEqualTo(96);
    assertThat(read("{\"activation\": null, \"k\": 4}").activation()).isEqualTo(Activation.TOPK);
  }

  @Test
  void skipConnectionThatIsNotStatedFollowsTheTensors() throws IOException {
    Path file = Files.writeString(folder.resolve("cfg.json"), "{\"k\": 4}");
    assertThat(CoderConfigFile.read(file, ENCODER, true).skipConnection()).isTrue();
    assertThat(CoderConfigFile.read(file, ENCODER, false).skipConnection()).isFalse();
  }

  @Test
  void roundTrips() {
    CoderConfig config =
        new CoderConfig(Activation.GROUPMAX, 12, 96, 8, 4, false, true, true, true);
    Path file = folder.resolve("made/cfg.json");
    CoderConfigFile.write(file, config);
    assertThat(CoderConfigFile.read(file, new long[] {1, 1}, false)).isEqualTo(config);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '\'',
      textBlock =
          """
          {"k": 200}                                | k is 200 but the coder has only 96 latents
          {"k": 0}                                  | k must be at least 1
          {"k": "8"}                                | k is "8", expected a whole number
          {"k": 8.5}                                | k is 8.5, expected a whole number
          {"k": -8}                                 | k is -8, expected a whole number
          {"k": 8, "d_in": 99999999999}             | d_in is 99999999999
          {"k": 8, "transcode": "yes"}              | transcode is "yes", expected true or false
          {"k": 8, "activation": "relu"}            | activation is "relu", expected "topk" or "groupmax"
          {"k": 7, "activation": "groupmax"}        | divisible by k
          {"k": 8, "signed": true}                  | signed
          {"num_latents": 0, "d_in": 2000000000, "expansion_factor": 32} | fewer than 2^31
          [1, 2]                                    | expected a JSON object
          {"k": 8                                   | line 1
          """)
  void saysWhatIsWrong(String json, String message) {
    assertThatThrownBy(() -> read(json))
        .isInstanceOf(PalimpsestException.class)
        .hasMessageContaining("cfg.json")
        .hasMessageContaining(message);
  }

  @Test
  void impossibleConfigurationsCannotBeMade() {
    assertThatThrownBy(() -> CoderConfig.autoencoder(8, 16, 17)).isInstanceOf(UsageException.class);
    assertThatThrownBy(() -> CoderConfig.autoencoder(0, 16, 1)).isInstanceOf(UsageException.class);
    assertThatThrownBy(() -> CoderConfig.autoencoder(8, 10, 3).withActivation(Activation.GROUPMAX))
        .isInstanceOf(UsageException.class)
        .hasMessageContaining("10 latents and k 3");
    assertThat(CoderConfig.autoencoder(8, 16, 2).unitNormDecoder()).isTrue();
    assertThat(CoderConfig.transcoder(8, 16, 2, true).unitNormDecoder()).isFalse();
  }
}
