package dev.palimpsest.report;

import dev.palimpsest.base.AtomicFiles;
import freemarker.core.HTMLOutputFormat;
import freemarker.template.Configuration;
import freemarker.template.DefaultObjectWrapper;
import freemarker.template.Template;
import freemarker.template.TemplateException;
import freemarker.template.TemplateExceptionHandler;
import java.io.IOException;
import java.io.InputStream;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * The report as one HTML page that needs nothing beside itself: style, script and images lie
 * inside, no network is touched, and it reads in full without its script. The same data give the
 * same bytes.
 *
 * <p>Every value passes FreeMarker's automatic HTML escaping; only the SVG drawn here, which
 * escapes for itself, and the page's own style and script are put in as they are.
 */
public final class HtmlReport {
  private static final String FOLDER = "/dev/palimpsest/report";

  private static final Configuration CONFIGURATION = configuration();

  private HtmlReport() {}

  /** The whole page. */
  public static String render(ReportData data) {
    StringWriter out = new StringWriter(1 << 20);
    try {
      Template template = CONFIGURATION.getTemplate("report.ftlh");
      template.process(
          Map.of(
              "data",
              data,
              "page",
              new PageParts(),
              "number",
              new Numbers(),
              "css",
              resource("chart.css") + resource("report.css"),
              "js",
              resource("report.js")),
          out);
    } catch (IOException failure) {
      throw new UncheckedIOException("the page's template could not be read", failure);
    } catch (TemplateException failure) {
      throw new IllegalStateException(
          "the page's template does not fit its data: " + failure.getMessage(), failure);
    }
    return out.toString();
  }

  /**
   * Writes the page, whole or not at all.
   *
   * @throws dev.palimpsest.base.PalimpsestException naming the file when it cannot be written
   */
  public static void write(Path file, ReportData data) {
    AtomicFiles.writeString(file, render(data));
  }

  /**
   * The main figure as an image of its own, with its style inside and a white ground.
   *
   * @return empty if the table has no rewrites
   */
  public static Optional<String> figure(RewriteTable table) {
    if (!LossFigure.drawable(table)) {
      return Optional.empty();
    }
    return Optional.of(alone(LossFigure.draw(table)));
  }

  /** An SVG element as an image of its own. */
  static String alone(String svg) {
    int afterStart = svg.indexOf('>') + 1;
    return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        + svg.substring(0, afterStart)
        + "<style>"
        + resource("chart.css")
        + "</style><rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>"
        + svg.substring(afterStart)
        + "\n";
  }

  /**
   * Writes {@link #figure} to a file; writes nothing for a table without rewrites.
   *
   * @throws dev.palimpsest.base.PalimpsestException naming the file when it cannot be written
   */
  public static void writeFigure(Path file, RewriteTable table) {
    figure(table).ifPresent(svg -> AtomicFiles.writeString(file, svg));
  }

  private static Configuration configuration() {
    Configuration configuration = new Configuration(Configuration.VERSION_2_3_34);
    configuration.setClassForTemplateLoading(HtmlReport.class, FOLDER);
    configuration.setDefaultEncoding("UTF-8");
    configuration.setOutputFormat(HTMLOutputFormat.INSTANCE);
    configuration.setLocale(Locale.ROOT);
    configuration.setNumberFormat("computer");
    configuration.setLogTemplateExceptions(false);
    configuration.setTemplateExceptionHandler(TemplateExceptionHandler.RETHROW_HANDLER);
    configuration.setObjectWrapper(new DefaultObjectWrapper(Configuration.VERSION_2_3_34));
    return configuration;
  }

  private static String resource(String name) {
    try (InputStream in = HtmlReport.class.getResourceAsStream(FOLDER + "/" + name)) {
      if (in == null) {
        throw new IllegalStateException(
            "the resource " + FOLDER + "/" + name + " is missing from the jar");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException failure) {
      throw new UncheckedIOException("cannot read the resource " + name, failure);
    }
  }

  /**
   * What the template asks for beyond the data themselves. Public because FreeMarker calls it by
   * reflection.
   */
  public static final class PageParts {
    /** Part of a token run: consecutive tokens without activation and guess are one plain piece. */
    public record Piece(String text, double activation, double guess, String tooltip) {
      /** Whether the piece is shaded at all. */
      public boolean plain() {
        return activation <= 0 && guess <= 0;
      }
    }

    private final Numbers numbers = new Numbers();

    PageParts() {}

    /** The loss figure of a table; empty text if there is nothing to draw. */
    public String lossFigure(RewriteTable table) {
      return LossFigure.drawable(table) ? LossFigure.draw(table) : "";
    }

    /** The training figure; empty text if there is nothing to draw. */
    public String trainingFigure(List<TrainingCurve> curves) {
      return TrainingFigure.drawable(curves) ? TrainingFigure.draw(curves) : "";
    }

    /** Histogram of densities; empty text if there are none. */
    public String densityFigure(CoderLatents coder) {
      return coder.densities().isEmpty() ? "" : Histograms.densities(coder.densities());
    }

    /** Histogram of scores; empty text if there are none. */
    public String scoreFigure(CoderLatents coder) {
      return coder.scores().isEmpty() ? "" : Histograms.scores(coder.scores());
    }

    /** A latent's activation histogram; empty text if it is not known. */
    public String activationFigure(LatentPage page) {
      return page.histogram()
          .filter(h -> !h.counts().isEmpty())
          .map(Histograms::activations)
          .orElse("");
    }

    /** How many latents were never active, in a sentence. */
    public String silentNote(CoderLatents coder) {
      long silent = coder.densities().stream().filter(density -> density <= 0).count();
      String all = numbers.count(coder.densities().size());
      return silent == 0
          ? "All " + all + " latents were active."
          : numbers.count(silent) + " of " + all + " latents were never active and are not drawn.";
    }

    /** The result in sentences. */
    public List<String> headline(RewriteTable table) {
      return Headline.sentences(table);
    }

    /** The rewrite that sums a table up, or an empty list. */
    public List<RewriteTable.Rewrite> main(RewriteTable table) {
      return Headline.main(table).stream().toList();
    }

    /** A baseline's name in words. */
    public String baselineName(String key) {
      return Headline.baselineName(key);
    }

    /** Text with its invisible characters made visible. */
    public String visible(String text) {
      return TokenText.visible(text);
    }

    /** As {@link #visible}, with the lines kept. */
    public String prose(String text) {
      return TokenText.prose(text);
    }

    /** As {@link #visible}, for a token on its own. */
    public String alone(String text) {
      return TokenText.alone(text);
    }

    /** A context in pieces, activations and guesses as shares of the latent's maximum. */
    public List<Piece> pieces(LatentPage.Context context, OptionalDouble maximum) {
      return ContextPieces.of(context, maximum.orElse(0), numbers);
    }

    /** "rtl" for text mostly written from right to left, else "ltr". */
    public String direction(LatentPage.Context context) {
      StringBuilder all = new StringBuilder();
      context.tokens().forEach(t -> all.append(t.text()));
      return TokenText.rightToLeft(all.toString()) ? "rtl" : "ltr";
    }

    /** A name fit for an anchor: letters, digits, dots and hyphens. */
    public String anchor(String text) {
      return text.replaceAll("[^A-Za-z0-9.]+", "-");
    }

    /** A number for sorting by script: empty if absent. */
    public String sortKey(OptionalDouble value) {
      return value.isPresent() ? Double.toString(value.getAsDouble()) : "";
    }
  }
}
