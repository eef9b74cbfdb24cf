package dev.palimpsest.base;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whatever the library says of a fault, no name of a Java object reaches a person. */
class JsonFaultsTest {
  private static final String WHOLE =
      "{\"a\": [1, {\"b]\": \"c\"}], \"d\": 1.5e3, \"f\": true, \"g\": null}";

  @TempDir private Path folder;

  @Test
  void everyCutOfAFileIsToldWithoutTheLibrarysSource() throws Exception {
    Path file = folder.resolve("cut.json");
    for (int length = 0; length < WHOLE.length(); length++) {
      String cut = WHOLE.substring(0, length);
      Files.writeString(file, cut);
      List<String> messages = new ArrayList<>();
      collect(messages, () -> Json.read(file, JsonNode.class));
      collect(
          messages,
          () ->
              StateFiles.parse(
                  file.toString(), cut.getBytes(StandardCharsets.UTF_8), JsonNode.class));
      assertThat(messages).as("cut after %d", length).hasSize(2);
      for (String message : messages) {
        assertThat(message).startsWith(file + ": ").hasLineCount(1);
        assertThat(message).doesNotContain("Source", "REDACTED", "StreamReadFeature", "byte[]");
      }
    }
  }

  @Test
  void thePlaceWhereSomethingOpenedStays() {
    assertThat(describe("{\"a\": 1")).contains("start marker at line 1, column 1)");
    ObjectMapper telling = new ObjectMapper();
    assertThat(JsonFaults.describe(fault(telling, "[1, {\"]\": 2")))
        .contains("start marker at line 1, column 5")
        .doesNotContain("Source");
  }

  private static String describe(String json) {
    return JsonFaults.describe(fault(Json.MAPPER, json));
  }

  private static JsonProcessingException fault(ObjectMapper mapper, String json) {
    try {
      mapper.readTree(json);
    } catch (JsonProcessingException fault) {
      return fault;
    }
    throw new AssertionError("not refused: " + json);
  }

  private static void collect(List<String> messages, Runnable reader) {
    try {
      reader.run();
    } catch (PalimpsestException refused) {
      messages.add(String.valueOf(refused.getMessage()));
    }
  }
}
