package dev.palimpsest.llm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.UsageException;
import dev.palimpsest.language.Prompt;
import dev.palimpsest.language.Sampling;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A server that makes faults is asked until every answer is there, once. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class EndpointTest {
  private static final List<String> DIGITS =
      IntStream.range(0, 10).mapToObj(Integer::toString).toList();
  private static final int COUNT = 60;

  private static String noKey(String variable) {
    return "";
  }

  /** Known chances: one digit has most, by the prompt; the rest shares what is left. */
  private static double chance(String prompt, int digit) {
    int rating = Math.floorMod(prompt.hashCode(), 10);
    return digit == rating ? 0.82 : 0.02;
  }

  /** Where the server can only write, it always writes the rating. */
  private static double expected(String prompt, LabelWay way) {
    int rating = Math.floorMod(prompt.hashCode(), 10);
    return way == LabelWay.SAMPLES ? rating : 0.82 * rating + 0.02 * (45 - rating);
  }

  private static EndpointSettings settings(ScriptedServer server) {
    return EndpointSettings.of(server.url())
        .withLimits(16, Duration.ofSeconds(4), Duration.ofMinutes(2));
  }

  private static Question question(int i, boolean chat) {
    String text = "how active is latent " + i + "?";
    Prompt prompt =
        chat ? new Prompt.Chat(List.of(new Prompt.Message("user", text))) : new Prompt.Text(text);
    return new Question.Labelling(prompt, DIGITS);
  }

  private static String text(Question question) {
    return question.prompt() instanceof Prompt.Chat chat
        ? chat.messages().get(0).content()
        : ((Prompt.Text) question.prompt()).text();
  }

  private static double rating(Reply reply) {
    Reply.Labelled labelled = (Reply.Labelled) reply;
    return IntStream.range(0, 10).mapToDouble(d -> d * labelled.probabilities().get(d)).sum();
  }

  @ParameterizedTest
  @EnumSource
  void ratingsComeThroughFaultsWhateverTheServerCanDo(LabelWay way) {
    for (boolean chat : new boolean[] {true, false}) {
      try (ScriptedServer server = new ScriptedServer(way, EndpointTest::chance)) {
        Map<Long, Reply> replies = new ConcurrentHashMap<>();
        Map<Long, Question> questions = new ConcurrentHashMap<>();
        try (Endpoint endpoint = new Endpoint(settings(server), EndpointTest::noKey)) {
          assertThat(endpoint.capabilities(chat).way()).isEqualTo(way);
          server.faults =
              Stream.of(ScriptedServer.Fault.values())
                  .filter(fault -> fault != ScriptedServer.Fault.STALL)
                  .toList();
          server.faultShare = 0.2;
          endpoint.ask(
              IntStream.range(0, COUNT).mapToObj(i -> question(i, chat)).iterator(),
              (index, question, reply) -> {
                assertThat(replies.put(index, reply)).isNull();
                questions.put(index, question);
              });
        }
        assertThat(replies).hasSize(COUNT);
        replies.forEach(
            (index, reply) ->
                assertThat(rating(reply))
                    .isEqualTo(
                        expected(text(questions.getOrDefault(index, question(-1, chat))), way),
                        within(1e-6)));
        // What was answered was not asked for again.
        assertThat(server.answered().entrySet())
            .filteredOn(entry -> entry.getKey().contains("latent"))
            .allSatisfy(entry -> assertThat(entry.getValue()).hasValue(1));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void slotsOfAPromptAreFilledThroughFaults(boolean chat) {
    try (ScriptedServer server = new ScriptedServer(LabelWay.PROMPT, EndpointTest::chance);
        Endpoint endpoint = new Endpoint(settings(server), EndpointTest::noKey)) {
      server.faults =
          Stream.of(ScriptedServer.Fault.values())
              .filter(fault -> fault != ScriptedServer.Fault.STALL)
              .toList();
      server.faultShare = 0.2;
      String lines = "the\tunknown\n cat\tunknown\n unknown\tunknown";
      Prompt prompt =
          chat
              ? new Prompt.Chat(
                  List.of(
                      new Prompt.Message("user", "rate "), new Prompt.Message("assistant", lines)))
              : new Prompt.Text("rate " + lines);
      Map<Long, Reply> replies = new ConcurrentHashMap<>();
      endpoint.ask(
          List.<Question>of(
                  new Question.Filling(prompt, "unknown", 3, DIGITS),
                  new Question.Filling(prompt, "unknown", 4, DIGITS))
              .iterator(),
          (index, question, reply) -> replies.put(index, reply));
      Reply.Filled filled = (Reply.Filled) java.util.Objects.requireNonNull(replies.get(0L));
      String[] before = {
        "rate the\t", "rate the\tunknown\n cat\t", "rate the\tunknown\n cat\tunknown\n unknown\t"
      };
      for (int slot = 0; slot < before.length; slot++) {
        for (int digit = 0; digit < 10; digit++) {
          assertThat(filled.slots().get(slot).get(digit))
              .isEqualTo(chance(before[slot], digit), within(1e-9));
        }
      }
      assertThat(filled.told()).isEqualTo(30);
      assertThat(replies.get(1L)).isInstanceOf(Reply.Refused.class);
    }
  }

  @Test
  void journalGoesOnWhereTheBudgetEnded(@TempDir Path folder) {
    Path file = folder.resolve("journal.jsonl");
    try (ScriptedServer server = new ScriptedServer(LabelWay.TOP, EndpointTest::chance)) {
      Map<Long, Reply> replies = new ConcurrentHashMap<>();
      Budget few = new Budget(OptionalLong.of(25), OptionalDouble.empty(), Prices.NONE);
      server.faultShare = 0.2;
      assertThatThrownBy(() -> askAll(server, file, few, replies))
          .isInstanceOf(BudgetSpentException.class)
          .hasMessageContaining("--max-calls 25")
          .hasMessageContaining("goes on");
      assertThat(replies).hasSize(25);
      Usage rest = askAll(server, file, Budget.UNLIMITED, replies);
      assertThat(rest.calls()).isEqualTo(75);
      assertThat(replies).hasSize(100);
      assertThat(askAll(server, file, Budget.UNLIMITED, replies).calls()).isZero();
      assertThat(server.answered().entrySet())
          .filteredOn(entry -> entry.getKey().contains("latent"))
          .hasSize(100)
          .allSatisfy(entry -> assertThat(entry.getValue()).hasValue(1));
    }
  }

  private static Usage askAll(
      ScriptedServer server, Path file, Budget budget, Map<Long, Reply> replies) {
    try (Journaled asked =
        new Journaled(
            new Endpoint(settings(server), EndpointTest::noKey),
            Optional.of(Journal.open(file)),
            budget)) {
      asked.ask(
          IntStream.range(0, 100).mapToObj(i -> question(i, true)).iterator(),
          (index, question, reply) -> replies.put(index, reply));
      return asked.usage();
    }
  }

  @Test
  void costEndsTheWork(@TempDir Path folder) {
    try (ScriptedServer server = new ScriptedServer(LabelWay.TOP, EndpointTest::chance)) {
      // 7 tokens of prompt and 1 written an answer: 9e-6 each.
      Budget cheap = new Budget(OptionalLong.empty(), OptionalDouble.of(90e-6), new Prices(1, 2));
      Map<Long, Reply> replies = new ConcurrentHashMap<>();
      assertThatThrownBy(() -> askAll(server, folder.resolve("j"), cheap, replies))
          .isInstanceOf(BudgetSpentException.class);
      assertThat(replies).hasSizeBetween(10, 10 + 16);
    }
  }

  @Test
  void equalQuestionsAreAskedOnce(@TempDir Path folder) {
    try (ScriptedServer server = new ScriptedServer(LabelWay.TOP, EndpointTest::chance)) {
      List<Reply> replies = java.util.Collections.synchronizedList(new ArrayList<>());
      try (Journaled asked =
          new Journaled(
              new Endpoint(settings(server), EndpointTest::noKey),
              Optional.of(Journal.open(folder.resolve("j"))),
              Budget.UNLIMITED)) {
        Iterator<Question> same = Stream.generate(() -> question(7, true)).limit(40).iterator();
        asked.ask(same, (index, question, reply) -> replies.add(reply));
        assertThat(asked.usage().calls()).isEqualTo(1);
      }
      assertThat(replies).hasSize(40);
    }
  }

  @ParameterizedTest
  @EnumSource
  void everyFaultPasses(ScriptedServer.Fault fault) {
    try (ScriptedServer server = new ScriptedServer(LabelWay.TOP, EndpointTest::chance)) {
      server.faults = List.of(fault);
      try (Endpoint endpoint = new Endpoint(settings(server), EndpointTest::noKey)) {
        assertThat(endpoint.capabilities(true).way()).isEqualTo(LabelWay.TOP);
        server.faultShare = 0.5;
        List<Reply> replies = java.util.Collections.synchronizedList(new ArrayList<>());
        endpoint.ask(
            IntStream.range(0, 12).mapToObj(i -> question(i, true)).iterator(),
            (index, question, reply) -> replies.add(reply));
        assertThat(replies)
            .hasSize(12)
            .allSatisfy(r -> assertThat(r).isInstanceOf(Reply.Labelled.class));
      }
    }
  }

  @Test
  void wrongKeyIsOneClearLineWithoutTheKey() {
    String secret = "sk-very-secret-0815";
    try (ScriptedServer server = new ScriptedServer(LabelWay.TOP, EndpointTest::chance)) {
      server.status = 401;
      server.refusal = "Incorrect API key provided: " + secret;
      EndpointSettings named = settings(server).withKeyVariable(Optional.of("MY_KEY"));
      assertThatThrownBy(() -> new Endpoint(named, name -> name.equals("MY_KEY") ? secret : ""))
          .isInstanceOf(PalimpsestException.class)
          .hasMessageContaining("401")
          .hasMessageContaining("MY_KEY")
          .message()
          .doesNotContain(secret)
          .doesNotContain("\n");
      assertThat(server.authorizations()).containsOnly("Bearer " + secret);
      assertThatThrownBy(() -> new Endpoint(settings(server), EndpointTest::noKey))
          .hasMessageContaining("set the environment variable PALIMPSEST_API_KEY");
    }
  }

  @Test
  void customaryKeysGoToTheirHostsOnly() {
    UnaryOperator<String> environment = name -> name.equals("OPENAI_API_KEY") ? "k1" : "";
    assertThat(Secret.find(environment, Optional.empty(), "api.openai.com").isEmpty()).isFalse();
    assertThat(Secret.find(environment, Optional.empty(), "localhost").isEmpty()).isTrue();
    assertThat(Secret.find(environment, Optional.empty(), "evil.example").isEmpty()).isTrue();
    assertThat(Secret.find(environment, Optional.empty(), "api.openai.com"))
        .hasToString("the key of OPENAI_API_KEY");
  }

  @Test
  void nobodyThereIsSaidSoon() throws Exception {
    int port;
    try (ServerSocket socket = new ServerSocket(0)) {
      port = socket.getLocalPort();
    }
    EndpointSettings nobody = EndpointSettings.of("http://127.0.0.1:" + port);
    assertThatThrownBy(() -> new Endpoint(nobody, EndpointTest::noKey))
        .isInstanceOf(PalimpsestException.class)
        .hasMessageContaining("cannot connect");
  }

  @Test
  void serverThatRefusesAllQuestionsEndsTheWork() {
    try (ScriptedServer server = new ScriptedServer(LabelWay.TOP, EndpointTest::chance);
        Endpoint endpoint = new Endpoint(settings(server), EndpointTest::noKey)) {
      assertThat(endpoint.capabilities(true).way()).isEqualTo(LabelWay.TOP);
      server.status = 400;
      server.refusal = "maximum context length is 8 tokens";
      List<Reply> refused = java.util.Collections.synchronizedList(new ArrayList<>());
      assertThatThrownBy(
              () ->
                  endpoint.ask(
                      IntStream.range(0, 100).mapToObj(i -> question(i, true)).iterator(),
                      (index, question, reply) -> refused.add(reply)))
          .hasMessageContaining("maximum context length");
      assertThat(refused).hasSizeLessThan(30);
    }
  }

  @Test
  void serverThatGivesFewAnswersAtATimeIsAskedAgain() {
    try (ScriptedServer server = new ScriptedServer(LabelWay.SAMPLES, EndpointTest::chance)) {
      server.choosesOne = true;
      try (Endpoint endpoint = new Endpoint(settings(server), EndpointTest::noKey)) {
        List<Reply> replies = new ArrayList<>();
        endpoint.ask(
            List.of(question(3, true)).iterator(), (index, question, reply) -> replies.add(reply));
        assertThat(replies.get(0).usage().calls()).isEqualTo(8);
        assertThat(rating(replies.get(0)))
            .isEqualTo(expected("how active is latent 3?", LabelWay.SAMPLES));
      }
    }
  }

  @Test
  void writesText() {
    try (ScriptedServer server = new ScriptedServer(LabelWay.TOP, EndpointTest::chance);
        Endpoint endpoint = new Endpoint(settings(server), EndpointTest::noKey)) {
      List<Reply> replies = new ArrayList<>();
      Prompt prompt = new Prompt.Text("say something");
      endpoint.ask(
          List.<Question>of(new Question.Writing(prompt, Sampling.greedy(5))).iterator(),
          (index, question, reply) -> replies.add(reply));
      String digit = Integer.toString(Math.floorMod("say something".hashCode(), 10));
      assertThat(replies).containsExactly(new Reply.Written(digit, true, new Usage(1, 7, 1)));
    }
  }

  @Test
  void addressesAreReadAsPeopleWriteThem() {
    assertThat(EndpointSettings.base("http://h:8000")).hasToString("http://h:8000/v1");
    assertThat(EndpointSettings.base("http://h:8000/v1/")).hasToString("http://h:8000/v1");
    assertThat(EndpointSettings.base("HTTPS://h/api/v1/chat/completions"))
        .hasToString("https://h/api/v1");
    assertThatThrownBy(() -> EndpointSettings.base("https://me:secret@h/v1"))
        .isInstanceOf(UsageException.class)
        .message()
        .doesNotContain("secret");
    assertThatThrownBy(() -> EndpointSettings.base("ftp://h")).isInstanceOf(UsageException.class);
  }

  @Test
  void damagedAndUnfinishedLinesOfAJournalAreAskedAgain(@TempDir Path folder) throws Exception {
    Path file = folder.resolve("journal.jsonl");
    List<QuestionKey> keys =
        IntStream.range(0, 3).mapToObj(i -> QuestionKey.of("m", question(i, true))).toList();
    Reply reply = new Reply.Written("täglich", true, new Usage(1, 2, 3));
    try (Journal journal = Journal.open(file)) {
      keys.forEach(key -> journal.add(key, reply));
    }
    byte[] bytes = Files.readAllBytes(file);
    int third = bytes.length / 3;
    bytes[third + third / 2] ^= 1;
    Files.write(file, java.util.Arrays.copyOf(bytes, bytes.length - 5));
    try (Journal journal = Journal.open(file)) {
      assertThat(journal.damaged()).isEqualTo(1);
      assertThat(journal.find(keys.get(0))).contains(reply);
      assertThat(journal.find(keys.get(1))).isEmpty();
      assertThat(journal.find(keys.get(2))).isEmpty();
      journal.add(keys.get(2), reply);
      assertThat(journal.find(keys.get(2))).contains(reply);
    }
    try (Journal journal = Journal.open(file)) {
      assertThat(journal.size()).isEqualTo(2);
    }
  }

  @Test
  void fileThatIsNoJournalIsLeftAlone(@TempDir Path folder) throws Exception {
    Path file = Files.writeString(folder.resolve("prompts.jsonl"), "{\"prompt\": \"x\"}\nmore");
    assertThatThrownBy(() -> Journal.open(file))
        .isInstanceOf(PalimpsestException.class)
        .hasMessageContaining("is no journal of answers");
    assertThat(file).hasContent("{\"prompt\": \"x\"}\nmore");
  }

  @Test
  void aJournalIsWrittenByOneCommandAtATime(@TempDir Path folder) {
    Path file = folder.resolve("journal.jsonl");
    try (Journal journal = Journal.open(file)) {
      assertThat(journal.size()).isZero();
      assertThatThrownBy(() -> Journal.open(file))
          .isInstanceOf(PalimpsestException.class)
          .hasMessageContaining("another command is writing");
    }
    Journal.open(file).close();
  }

  @Test
  void manyKeysFindTheirPlaces() {
    KeyPlaces places = new KeyPlaces();
    for (int i = 0; i < 10_000; i++) {
      places.put(QuestionKey.of("m", question(i, false)), i);
    }
    for (int i = 0; i < 10_000; i++) {
      assertThat(places.get(QuestionKey.of("m", question(i, false)))).hasValue(i);
    }
    assertThat(places.get(QuestionKey.of("other", question(1, false)))).isEmpty();
    assertThat(places.size()).isEqualTo(10_000);
  }

  @Test
  void labelsAreReadAtTheBeginningOfAnAnswer() {
    List<String> labels = List.of("0", "1", "10");
    assertThat(SampledLabels.read(" 10.", labels)).contains("10");
    assertThat(SampledLabels.read("1", labels)).contains("1");
    assertThat(SampledLabels.read("100", labels)).isEmpty();
    assertThat(SampledLabels.read("none", labels)).isEmpty();
  }
}
