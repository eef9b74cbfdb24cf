package dev.palimpsest.rivals;

import dev.palimpsest.base.Choice;
import dev.palimpsest.base.UsageException;
import java.util.Locale;

/** The rivals that can be asked for. */
public enum RivalKind {
  /** The mean output after the token. */
  UNIGRAM(1),
  /** The mean output after the last two tokens, drawn towards that after the last. */
  BIGRAM(2),
  /** The mean output after the last three tokens, drawn towards that after the last two. */
  TRIGRAM(3),
  /** Linear in the embedding of the token: the form of FIRP. */
  EMBEDDING(1),
  /** Linear in the embeddings of the last four tokens. */
  WINDOW(4),
  /**
   * A neural probabilistic language model's network over the embeddings of the tokens, trained
   * until held-back text gets no better: what tokens alone can tell.
   */
  NETWORK(8),
  /** The coder applied to the token's embedding, from weights alone but for one scale. */
  WEIGHTLENS(1),
  /** For each latent the suffixes of its strongest examples, as a trie of tokens. */
  AUTOMATA(3),
  /** The outputs at the most similar inputs. Reads the module's input. */
  NEIGHBOURS(0),
  /** Small networks of the module's input, one a token, by routing. Reads the module's input. */
  EXPERTS(0);

  private final int order;

  RivalKind(int order) {
    this.order = order;
  }

  /** Tokens that it looks at one by one; 0 where it reads the module's input. */
  int order() {
    return order;
  }

  /** Whether it is a table rather than a linear map of embeddings. */
  boolean isTable() {
    return compareTo(TRIGRAM) <= 0;
  }

  /**
   * Whether it is given what the module reads. Then it knows of the text what the model itself has
   * made of it, which no text of a latent and no other rival does.
   */
  public boolean readsInput() {
    return order == 0;
  }

  /** As spelt in settings and results. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  /**
   * @throws UsageException when no rival is spelt so
   */
  public static RivalKind labelled(String label) {
    return Choice.of(values(), RivalKind::label, label, "rewrite.rivals: unknown rival");
  }
}
