package dev.palimpsest.safetensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.tensor.Tensors;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SafeTensorsTest {
  @TempDir Path folder;

  @Test
  void everyKindOfSourceComesBack() throws IOException {
    Path file = folder.resolve("all.safetensors");
    float[] many = new float[200_001]; // more than one block
    for (int i = 0; i < many.length; i++) {
      many[i] = i * 0.5f - 7;
    }
    try (FloatPointer pointer = new FloatPointer(1f, 2f, 3f, 4f);
        Tensor real = Tensors.of(new float[] {1, 2, 3, 4, 5, 6}, 2, 3);
        Tensor turned = real.t();
        Tensor whole = Tensors.of(new long[] {-1, 1L << 40}, 2)) {
      new SafeTensorsWriter()
          .metadata("format", "pt")
          .add("many", new long[] {many.length}, many)
          .add("ints", new long[] {3}, new int[] {1, -2, 3})
          .add("longs", new long[] {2, 1}, new long[] {Long.MIN_VALUE, 9})
          .add("pointer", new long[] {2, 1}, pointer.position(2))
          .add("turned", turned)
          .add("whole", whole)
          .add("u16", DType.U16, new long[] {2}, new int[] {65535, 1})
          .add("u32", DType.U32, new long[] {1}, new int[] {-1})
          .add("half", DType.F16, new long[] {3}, new float[] {1.5f, -65504f, 6e-8f})
          .add("brain", DType.BF16, new long[] {2}, new float[] {1 + 0x1p-8f, -3e38f})
          .add("empty", new long[] {0, 4}, new float[0])
          .add("scalar", new long[0], new float[] {42})
          .write(file);
    }
    try (SafeTensors read = SafeTensors.open(file)) {
      assertThat(read.metadata()).containsExactlyEntriesOf(java.util.Map.of("format", "pt"));
      assertThat(read.floats("many")).isEqualTo(many);
      assertThat(read.longs("ints")).containsExactly(1, -2, 3);
      assertThat(read.longs("longs")).containsExactly(Long.MIN_VALUE, 9);
      assertThat(read.floats("pointer")).containsExactly(3, 4);
      assertThat(read.floats("turned")).containsExactly(1, 4, 2, 5, 3, 6);
      assertThat(read.info("turned")).isEqualTo(new TensorInfo(DType.F32, new long[] {3, 2}));
      assertThat(read.longs("whole")).containsExactly(-1, 1L << 40);
      assertThat(read.longs("u16")).containsExactly(65535, 1);
      assertThat(read.longs("u32")).containsExactly(0xFFFFFFFFL);
      assertThat(read.floats("half")).containsExactly(1.5f, -65504f, 0x1p-24f);
      assertThat(read.floats("brain")).containsExactly(1f, HalfFloats.fromBfloat16((short) 0xFF62));
      assertThat(read.floats("empty")).isEmpty();
      assertThat(read.floats("scalar")).containsExactly(42);
      try (Tensor empty = read.torch("empty")) {
        assertThat(empty.shape()).containsExactly(0, 4);
        assertThat(Tensors.toArray(empty)).isEmpty();
        new SafeTensorsWriter().add("empty", empty).write(folder.resolve("empty"));
        Files.delete(folder.resolve("empty"));
      }
      try (Tensor tensor = read.torch("many");
          Tensor ints = read.torch("u16")) {
        assertThat(Tensors.toArray(tensor)).isEqualTo(many);
        assertThat(ints.shape()).containsExactly(2);
        assertThat(ints.data_ptr_long().get(0)).isEqualTo(65535);
      }
      read.expectShape("turned", 3, 2);
      assertThatThrownBy(() -> read.expectShape("turned", 2, 3))
          .hasMessage(file + ": tensor 'turned' has shape [3, 2], expected [2, 3]");
      assertThatThrownBy(() -> read.floats("mani"))
          .isInstanceOf(PalimpsestException.class)
          .hasMessageContaining(file + ": no tensor 'mani'; it has ");
      assertThatThrownBy(() -> read.floats("ints")).hasMessageContaining("dtype I32, expected F16");
      assertThatThrownBy(() -> read.longs("many"))
          .hasMessageContaining("dtype F32, expected whole");
    }
    try (var files = Files.list(folder)) {
      assertThat(files).containsExactly(file);
    }
  }

  @Test
  void theBytesDependOnTheContentAlone() throws IOException {
    Path one = folder.resolve("one");
    Path two = folder.resolve("two");
    new SafeTensorsWriter()
        .add("b", new long[] {1}, new float[] {1})
        .add("a", new long[] {1}, new float[] {2})
        .add("c", new long[] {1}, new long[] {3})
        .write(one);
    new SafeTensorsWriter()
        .add("c", new long[] {1}, new long[] {3})
        .add("a", new long[] {1}, new float[] {2})
        .add("b", new long[] {1}, new float[] {1})
        .write(two);
    assertThat(Files.readAllBytes(one)).isEqualTo(Files.readAllBytes(two));
    byte[] bytes = Files.readAllBytes(one);
    long header = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong(0);
    assertThat(header % 8).isZero();
    assertThat(new String(bytes, 8, (int) header, StandardCharsets.UTF_8).strip())
        .isEqualTo(
            "{\"c\":{\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[0,8]},"
                + "\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,12]},"
                + "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[12,16]}}");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "[1]|4|a JSON array, expected a JSON object",
        "{|4|not valid JSON",
        "{} x|0|not valid JSON",
        "{\"a\":3}|4|tensor 'a' is a JSON number, expected an object",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}|4|tensor 'a' has data_offsets , expected two",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4.0]}}|4|expected two whole"
            + " numbers",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}}|4|expected 0 <= begin <="
            + " end",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[-4,0]}}|4|expected 0 <= begin <="
            + " end",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}|4|ends at byte 8 of the"
            + " data, the file has 4",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,99999999999999999999]}}|4|expected"
            + " two whole numbers",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}|8|found 8 bytes of"
            + " tensors, expected 4",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}|8|begins at byte 4 of the"
            + " data, expected 0 (unused",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[2,6]}}|6|tensor"
            + " 'b' begins at byte 2 of the data, expected 4 (tensors overlap)",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}|4|tensor 'a' is F32 [2],"
            + " which takes 8 bytes, but its data_offsets span 4",
        "{\"a\":{\"dtype\":\"F4\",\"shape\":[8],\"data_offsets\":[0,4]}}|4|tensor 'a' has the"
            + " unsupported dtype F4, expected one of [BOOL",
        "{\"a\":{\"dtype\":7,\"shape\":[8],\"data_offsets\":[0,4]}}|4|dtype 7, expected a string",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":7,\"data_offsets\":[0,4]}}|4|shape 7, expected an"
            + " array",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}|4|shape [-1], expected"
            + " whole numbers",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,4]}}|4|the"
            + " absurd shape",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}|4|Duplicate"
            + " field 'a'",
        "{\"__metadata__\":[]}|0|__metadata__ is a JSON array, expected an object of strings",
        "{\"__metadata__\":{\"a\":1}}|0|__metadata__ entry 'a' is a JSON number, expected a string",
      })
  void badHeadersAreNamed(String header, int dataBytes, String message) throws IOException {
    byte[] text = header.getBytes(StandardCharsets.UTF_8);
    Path file = write(text.length, text, dataBytes);
    assertThatThrownBy(() -> SafeTensors.open(file))
        .isInstanceOf(PalimpsestException.class)
        .hasMessageStartingWith(file.toString())
        .hasMessageContaining(message);
  }

  @ParameterizedTest
  @ValueSource(longs = {-1, Long.MIN_VALUE, 100_000_001, Long.MAX_VALUE})
  void absurdHeaderLengthsAreRefused(long length) throws IOException {
    Path file = write(length, new byte[] {'{', '}'}, 0);
    assertThatThrownBy(() -> SafeTensors.open(file))
        .isInstanceOf(PalimpsestException.class)
        .hasMessageContaining("header length " + Long.toUnsignedString(length));
  }

  @Test
  void truncatedFilesAreRefused() throws IOException {
    assertThatThrownBy(() -> SafeTensors.open(write(50, new byte[] {'{', '}'}, 0)))
        .hasMessageContaining("truncated: the header should have 50 bytes, only 2 follow");
    Path tiny = Files.write(folder.resolve("tiny"), new byte[3]);
    assertThatThrownBy(() -> SafeTensors.open(tiny)).hasMessageContaining("found 3 bytes");
    assertThatThrownBy(() -> SafeTensors.open(folder.resolve("none")))
        .hasMessageContaining("no such file");
    assertThatThrownBy(() -> SafeTensors.open(folder)).isInstanceOf(PalimpsestException.class);
    byte[] latin = {'{', '"', (byte) 0xE9, '"', ':', '1', '}'};
    assertThatThrownBy(() -> SafeTensors.open(write(latin.length, latin, 0)))
        .hasMessageContaining("not valid UTF-8");
  }

  @Test
  void aFileCutAfterOpeningFailsCleanly() throws IOException {
    Path file = folder.resolve("cut");
    new SafeTensorsWriter().add("a", new long[] {100}, new float[100]).write(file);
    try (SafeTensors read = SafeTensors.open(file)) {
      byte[] bytes = Files.readAllBytes(file);
      Files.write(file, java.util.Arrays.copyOf(bytes, bytes.length - 4));
      assertThatThrownBy(() -> read.floats("a"))
          .isInstanceOf(PalimpsestException.class)
          .hasMessageContaining("cannot read " + file);
    }
  }

  @Test
  void aSourceThatWritesTooLittleLeavesNoFile() {
    Path file = folder.resolve("short");
    assertThatThrownBy(
            () ->
                new SafeTensorsWriter()
                    .add(
                        "a",
                        DType.F32,
                        new long[] {2},
                        channel -> channel.write(ByteBuffer.allocate(4)))
                    .write(file))
        .hasMessageContaining("wrote 4 bytes, announced 8");
    assertThat(file).doesNotExist();
  }

  @Test
  void aSealedFileTellsEveryFlippedBit() throws IOException {
    Path file = folder.resolve("sealed");
    new SafeTensorsWriter()
        .sealed()
        .metadata("step", "7")
        .add("a", new long[] {3}, new float[] {1, 2, 3})
        .write(file);
    try (SafeTensors read = SafeTensors.openSealed(file)) {
      assertThat(read.floats("a")).containsExactly(1, 2, 3);
    }
    SafeTensors.openChecked(file).close();
    byte[] good = Files.readAllBytes(file);
    for (int bit = 0; bit < 8 * good.length; bit++) {
      byte[] bad = good.clone();
      bad[bit / 8] ^= (byte) (1 << bit % 8);
      Files.write(file, bad);
      assertThatThrownBy(() -> SafeTensors.openSealed(file))
          .as("bit %d", bit)
          .isInstanceOf(PalimpsestException.class)
          .hasMessageStartingWith(file.toString());
    }
    byte[] bad = good.clone();
    bad[bad.length - 1] ^= 1;
    Files.write(file, bad);
    assertThatThrownBy(() -> SafeTensors.openChecked(file)).hasMessageContaining("damaged");
  }

  @Test
  void aFileOfAnotherProgramNeedsNoChecksum() {
    Path file = folder.resolve("foreign");
    new SafeTensorsWriter().add("a", new long[] {1}, new float[] {1}).write(file);
    SafeTensors.openChecked(file).close();
    assertThatThrownBy(() -> SafeTensors.openSealed(file)).hasMessageContaining("no checksum");
  }

  @Test
  void aGitLfsPointerIsNamed() throws IOException {
    Path file = folder.resolve("model.safetensors");
    Files.writeString(
        file, "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n");
    assertThatThrownBy(() -> SafeTensors.open(file))
        .isInstanceOf(PalimpsestException.class)
        .hasMessageContaining(file + ": a Git LFS pointer");
  }

  private Path write(long length, byte[] header, int dataBytes) throws IOException {
    ByteBuffer bytes =
        ByteBuffer.allocate(8 + header.length + dataBytes)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putLong(length)
            .put(header);
    return Files.write(folder.resolve("bad.safetensors"), bytes.array());
  }
}
