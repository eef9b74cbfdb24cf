package dev.palimpsest.cli;

import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.Json;
import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.StateFiles;
import dev.palimpsest.base.UsageException;
import dev.palimpsest.experiment.ResultRecorder;
import dev.palimpsest.report.ResultsPage;
import dev.palimpsest.results.RecordedResult;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code palimpsest results}: keeps what runs have found, and makes a page of what is kept. */
@Command(
    name = "results",
    mixinStandardHelpOptions = true,
    description = {
      "Makes a Markdown page of recorded results (FOLDER/*.json, in the order of their names),"
          + " beside the folder.",
      "With --record it first keeps what some runs have found: runs that differ in the seed of"
          + " their coder alone are one",
      "result, whose losses are averaged window by window."
    })
final class ResultsCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(
      index = "0",
      paramLabel = "FOLDER",
      description = "Where records are kept; the page is FOLDER.md.")
  private Path folder;

  @Option(names = "--record", paramLabel = "NAME", description = "Keep a result as NAME.json.")
  private @Nullable String name;

  @Option(
      names = "--run",
      paramLabel = "RUN",
      description = "A run directory of it; several, for several seeds.")
  private List<Path> runs = new ArrayList<>();

  @Option(names = "--section", paramLabel = "TEXT", description = "Heading that it stands under.")
  private String section = "Results";

  @Option(names = "--title", paramLabel = "TEXT", description = "What it is, in a few words.")
  private String title = "";

  @Option(
      names = "--made-by",
      paramLabel = "COMMAND",
      description = "A command that made the runs, to be printed; may be given several times.")
  private List<String> commands = new ArrayList<>();

  @Option(names = "--brief", description = "Show one row of it rather than the whole table.")
  private boolean brief;

  @Mixin private OutputOptions output;

  @Override
  public Integer call() {
    if (name != null) {
      if (!name.matches("[A-Za-z0-9][A-Za-z0-9._-]*")) {
        throw new UsageException("--record: found '" + name + "', expected a file's name");
      }
      if (runs.isEmpty()) {
        throw new UsageException("--record: expected at least one --run");
      }
      RecordedResult result =
          ResultRecorder.record(
              new ResultRecorder.Presentation(
                  name, section, title.isEmpty() ? name : title, brief, commands),
              runs);
      AtomicFiles.writeString(folder.resolve(name + ".json"), Json.pretty(result));
    } else if (!runs.isEmpty()) {
      throw new UsageException("--run: expected --record with it");
    }
    List<RecordedResult> results =
        files().stream().map(file -> StateFiles.read(file, RecordedResult.class)).toList();
    Path whole = folder.toAbsolutePath().normalize();
    Path page = whole.resolveSibling(whole.getFileName() + ".md");
    ResultsPage.figures(results)
        .forEach((file, svg) -> AtomicFiles.writeString(folder.resolve(file), svg));
    AtomicFiles.writeString(page, ResultsPage.of(results, String.valueOf(whole.getFileName())));
    Map<String, Object> printed = new LinkedHashMap<>();
    printed.put("page", page.toString());
    printed.put("results", results.stream().map(RecordedResult::name).toList());
    output.print(spec.commandLine().getOut(), printed, results.size() + " results in " + page);
    return 0;
  }

  private List<Path> files() {
    if (!Files.isDirectory(folder)) {
      throw new UsageException(folder + ": no such folder");
    }
    try (Stream<Path> all = Files.list(folder)) {
      return all.filter(file -> file.toString().endsWith(".json")).sorted().toList();
    } catch (IOException failure) {
      throw new PalimpsestException(
          "cannot read " + folder + ": " + AtomicFiles.describe(failure), failure);
    }
  }
}
