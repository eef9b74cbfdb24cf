package dev.palimpsest.cli;

import dev.palimpsest.base.Json;
import dev.palimpsest.base.UsageException;
import dev.palimpsest.language.Answer;
import dev.palimpsest.language.LocalTextModel;
import dev.palimpsest.language.Prompt;
import dev.palimpsest.language.Sampling;
import dev.palimpsest.language.TextModel;
import dev.palimpsest.llm.EndpointSettings;
import dev.palimpsest.model.ModelSource;
import dev.palimpsest.report.TokenText;
import dev.palimpsest.tensor.Devices;
import dev.palimpsest.tensor.Precision;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code palimpsest ask}: prompts in; text, or log-probabilities of labels, out. */
@Command(
    name = "ask",
    description =
        "Asks a language model: what it writes after prompts, or how likely it finds labels.",
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "Before a plain prompt stands the model's beginning-of-text token where its tokenizer puts"
          + " one (once); a conversation is put into the model's own form, with nothing added.",
      "With --json a line an answer, in the prompts' order: {\"prompt\": 0, \"text\": …,"
          + " \"tokens\": n, …}, or with --labels {\"prompt\": 0, \"labels\": {\"0\":"
          + " log-probability, …}, …}.",
      "On the CPU an answer does not depend on the other prompts, nor on the number of threads."
    })
final class AskCommand implements Callable<Integer> {
  @Parameters(
      paramLabel = "MODEL",
      description =
          "Folder in Hugging Face layout, or 'embedded'; or the address of a server that speaks"
              + " OpenAI's protocol, such as http://localhost:8000/v1.")
  private String model;

  @Option(names = "--prompt", paramLabel = "TEXT", description = "A prompt; repeatable.")
  private List<String> texts = new ArrayList<>();

  @Option(
      names = "--prompts",
      paramLabel = "FILE",
      description =
          "Prompts, a JSON object a line: {\"prompt\": TEXT}, or {\"messages\": [{\"role\": …,"
              + " \"content\": …}, …]}, which the model's chat template puts into its own form.")
  private Path file;

  @Option(
      names = "--labels",
      split = ",",
      paramLabel = "L",
      description =
          "Instead of text, the log-probability of each of these as the very next token: of the"
              + " token that is exactly this text, without a blank before it.")
  private List<String> labels = new ArrayList<>();

  @Option(
      names = "--chat",
      description = "Take plain prompts too for a user's message in a conversation.")
  private boolean chat;

  @Option(
      names = "--max-tokens",
      paramLabel = "N",
      defaultValue = "64",
      description = "The most tokens of an answer. Default: ${DEFAULT-VALUE}.")
  private int maxTokens;

  @Option(
      names = "--temperature",
      paramLabel = "T",
      defaultValue = "0",
      description = "0, the default: always the likeliest token; else logits are divided by it.")
  private double temperature;

  @Option(
      names = "--top-p",
      paramLabel = "P",
      defaultValue = "1",
      description =
          "Draw only among the likeliest tokens whose probabilities add up to this. Default:"
              + " ${DEFAULT-VALUE}.")
  private double topP;

  @Option(
      names = "--seed",
      paramLabel = "S",
      defaultValue = "0",
      description = "Of the draws. Default: ${DEFAULT-VALUE}.")
  private long seed;

  @Option(
      names = "--cache-memory",
      paramLabel = "MIB",
      defaultValue = "1024",
      description =
          "Memory for attention's keys and values, in MiB: what prompts begin with in common is"
              + " kept there and run once. Default: ${DEFAULT-VALUE}.")
  private int cacheMemory;

  @Option(
      names = "--device",
      paramLabel = "cpu|cuda|auto",
      defaultValue = "cpu",
      description = "Where to compute. Default: ${DEFAULT-VALUE}.")
  private String device;

  @Option(
      names = "--precision",
      paramLabel = "bf16|fp32",
      defaultValue = "fp32",
      description =
          "Of the dense layers' products: bf16 holds weights in 16 bits, is twice as fast or more"
              + " where the processor has instructions for it, and rounds. Default:"
              + " ${DEFAULT-VALUE}.")
  private String precision;

  @Mixin private EndpointOptions endpoint;
  @Mixin private ThreadOption threads;
  @Mixin private OutputOptions output;
  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    Sampling sampling = new Sampling(maxTokens, temperature, topP, seed);
    if (cacheMemory < 1) {
      throw new UsageException("--cache-memory is " + cacheMemory + ", expected 1 or more");
    }
    Precision wanted = Precision.labelled(precision);
    List<Prompt> prompts = prompts();
    List<String> wantedLabels = List.copyOf(new LinkedHashSet<>(labels));
    ConsoleLog log = output.log(spec.commandLine().getErr());
    PrintWriter out = spec.commandLine().getOut();
    if (EndpointSettings.isUrl(model)) {
      new AskedEndpoint(
              endpoint.settings(model),
              endpoint.journal(),
              endpoint.budget(),
              log,
              (line, text) -> print(out, line, TokenText.prose(text)))
          .ask(prompts, wantedLabels, sampling);
      return 0;
    }
    threads.use();
    Devices.Choice chosen = Devices.choose(device, wanted);
    try (TextModel asked =
        new LocalTextModel(
            ModelSource.resolve(model), chosen.device(), wanted, (long) cacheMemory << 20)) {
      log.device(chosen.describe());
      if (wantedLabels.isEmpty()) {
        List<Answer> answers = asked.answers(prompts, sampling, log);
        for (int i = 0; i < answers.size(); i++) {
          print(out, i, answers.get(i), asked.precision());
        }
      } else {
        double[][] scores = asked.labelLogProbabilities(prompts, wantedLabels, log);
        for (int i = 0; i < scores.length; i++) {
          print(out, i, wantedLabels, scores[i], asked.precision());
        }
      }
    }
    return 0;
  }

  private List<Prompt> prompts() {
    if (texts.isEmpty() && file == null) {
      throw new UsageException("nothing to ask: give --prompt or --prompts");
    }
    List<Prompt> prompts = new ArrayList<>();
    texts.forEach(text -> prompts.add(new Prompt.Text(text)));
    if (file != null) {
      NamedFile.require("--prompts", file);
      prompts.addAll(PromptFile.read(file));
    }
    return prompts.stream().map(this::inForm).toList();
  }

  private Prompt inForm(Prompt prompt) {
    return chat && prompt instanceof Prompt.Text text
        ? new Prompt.Chat(List.of(new Prompt.Message("user", text.text())))
        : prompt;
  }

  private void print(PrintWriter out, int prompt, Answer answer, String precision) {
    Map<String, Object> line = new LinkedHashMap<>();
    line.put("prompt", prompt);
    line.put("text", answer.text());
    line.put("tokens", answer.tokens());
    line.put("stopped", answer.stopped());
    line.put("precision", precision);
    print(out, line, TokenText.prose(answer.text()));
  }

  private void print(
      PrintWriter out, int prompt, List<String> labels, double[] scores, String precision) {
    LabelScores byLabel = LabelScores.of(labels, scores);
    Map<String, Object> line = new LinkedHashMap<>();
    line.put("prompt", prompt);
    line.put("labels", byLabel.byLabel());
    line.put("precision", precision);
    print(out, line, byLabel.text());
  }

  private void print(PrintWriter out, Map<String, Object> line, String text) {
    if (output.json()) {
      out.println(Json.line(line));
    } else {
      out.println(text);
    }
  }
}
