package dev.palimpsest.base;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** State is read whole or refused with one line that names the place. */
class StateFilesTest {
  record Inner(String name, double weight) {}

  record State(
      String stage,
      int count,
      double seconds,
      boolean done,
      Optional<String> note,
      OptionalDouble loss,
      List<Inner> parts,
      Map<String, Inner> named,
      Object summary) {
    State {
      parts = List.copyOf(parts);
      if (count < 0) {
        throw new IllegalArgumentException("count " + count + ", expected 0 or more");
      }
    }
  }

  private static final State STATE =
      new State(
          "train",
          3,
          1.5,
          true,
          Optional.empty(),
          OptionalDouble.empty(),
          List.of(new Inner("a", 1)),
          Map.of("b", new Inner("c", 2)),
          Map.of("any", List.of(1, 2)));

  @TempDir private Path folder;
  private Path file;

  @BeforeEach
  void place() {
    file = folder.resolve("state.json");
  }

  @Test
  void readsWhatItWrote() {
    StateFiles.writeSealed(file, STATE);
    assertThat(StateFiles.readSealed(file, State.class)).isEqualTo(STATE);
    AtomicFiles.writeString(file, Json.pretty(STATE));
    assertThat(StateFiles.read(file, State.class)).isEqualTo(STATE);
  }

  @Test
  void noticesEveryFlippedBit() throws IOException {
    StateFiles.writeSealed(file, STATE);
    byte[] good = Files.readAllBytes(file);
    for (int bit = 0; bit < 8 * good.length; bit++) {
      byte[] bad = good.clone();
      bad[bit / 8] ^= (byte) (1 << bit % 8);
      Files.write(file, bad);
      assertThatThrownBy(() -> StateFiles.readSealed(file, State.class))
          .as("bit %d", bit)
          .isInstanceOf(PalimpsestException.class)
          .hasMessageStartingWith(file.toString());
    }
  }

  @Test
  void namesTheKeyAtFault() {
    fault("\"stage\":\"train\",", "", "'stage' is missing");
    fault("\"stage\":\"train\"", "\"stage\":null", "'stage' is missing");
    fault("\"count\":3", "\"count\":null", "'count' is missing");
    fault("\"count\":3,", "", "'count' is missing");
    fault("\"count\":3", "\"count\":3.5", "'count' is");
    fault("\"count\":3", "\"count\":\"3\"", "'count' is");
    fault("\"count\":3", "\"count\":99999999999", "'count'");
    fault("\"count\":3", "\"count\":-3", "count -3, expected 0 or more");
    fault("\"seconds\":1.5", "\"seconds\":1e999", "'seconds' is not a finite number");
    fault("\"seconds\":1.5", "\"seconds\":\"NaN\"", "'seconds' is not a finite number");
    fault("\"loss\":null", "\"loss\":-1e999", "'loss' is not a finite number");
    fault("\"done\":true", "\"done\":1", "'done' is");
    fault("\"parts\":[", "\"parts\":[null,", "lacks a value");
    fault("\"parts\":[{", "\"parts\":[{\"weight\":2,", "weight");
    fault("\"weight\":1.0", "\"weight\":null", "'parts[0].weight' is missing");
    fault("\"b\":{\"name\":\"c\",\"weight\":2.0}", "\"b\":null", "'named.b' is missing");
    fault("\"name\":\"c\"", "\"name\":null", "'named.b.name' is missing");
    fault("\"count\":3", "\"count\":3,\"other\":1", "'other' is not known here");
    fault("\"count\":3", "\"count\":3,\"count\":3", "Duplicate");
    fault("\"count\":3", "\"count\":3,\"" + "k".repeat(40_000) + "\":1", "kkkk");
    fault("\"count\":3", "\"count\":3,\"" + "k".repeat(600_000) + "\":1", "Name length");
    fault(
        "\"count\":3",
        "\"count\":\"" + "\\u001b".repeat(99_000) + "\"",
        "'count' is not a whole number");
    fault("\"count\":3", "\"count\":\"" + "\u001b".repeat(600_000) + "\"", "'count' is not valid");
    fault("\"count\":3", "\"count\":" + "[".repeat(200_000), "'count'");
    whole("null", "found null");
    whole("[]", "expected an object");
    whole("", "nothing");
    whole(Json.line(STATE) + "{}", "more follows");
    whole("\u0000", "not valid");
  }

  @Test
  void linesNameTheirNumber() throws IOException {
    AtomicFiles.write(
        file,
        channel -> {
          StateLines.Writer writer = new StateLines.Writer(channel);
          writer.append(new Inner("a", 1));
          writer.append(new Inner("b", 2));
          writer.seal();
        });
    byte[] good = Files.readAllBytes(file);
    assertThat(readLines()).containsExactly(new Inner("a", 1), new Inner("b", 2));
    for (int bit = 0; bit < 8 * good.length; bit++) {
      byte[] bad = good.clone();
      bad[bit / 8] ^= (byte) (1 << bit % 8);
      Files.write(file, bad);
      assertThatThrownBy(this::readLines)
          .as("bit %d", bit)
          .isInstanceOf(PalimpsestException.class)
          .hasMessageStartingWith(file.toString());
    }
    Files.writeString(file, "{\"name\":\"a\",\"weight\":1}\nnull\n");
    assertThatThrownBy(this::readLines)
        .hasMessage(file + " line 2: expected a JSON object, found null");
    Files.writeString(file, "{\"name\":\"a\",\"weight\":1}\n");
    assertThatThrownBy(this::readLines).hasMessage(file + ": ends before line 2");
  }

  private List<Inner> readLines() {
    try (StateLines lines = StateLines.open(file)) {
      List<Inner> read = List.of(lines.require(Inner.class), lines.require(Inner.class));
      lines.requireSeal();
      return read;
    }
  }

  private void fault(String good, String bad, String expected) {
    String json = Json.line(STATE);
    assertThat(json).contains(good);
    whole(json.replace(good, bad), expected);
  }

  private void whole(String json, String expected) {
    AtomicFiles.writeString(file, json);
    assertThatThrownBy(() -> StateFiles.read(file, State.class))
        .isInstanceOf(PalimpsestException.class)
        .hasMessageStartingWith(file + ": ")
        .hasMessageContaining(expected)
        .message()
        .hasSizeLessThan(300 + file.toString().length())
        .doesNotContain("\n", "\u001b", "java", "com.fasterxml");
  }
}
