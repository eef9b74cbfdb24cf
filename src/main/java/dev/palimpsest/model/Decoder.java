package dev.palimpsest.model;

import dev.palimpsest.model.Hookpoint.Site;
import dev.palimpsest.model.Weights.Block;
import dev.palimpsest.model.Weights.Norm;
import dev.palimpsest.tensor.Device;
import dev.palimpsest.tensor.Tensors;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * The decoder-only transformer, from top to bottom: embed, blocks of attention and feed-forward
 * network on a residual stream, final norm, head. B is the number of rows, T their length, d the
 * model's width, H the heads, c a head's channels.
 *
 * <p>Temporaries die with the part that made them: at most one block's worth is alive at a time.
 */
final class Decoder {
  private final ModelConfig config;
  private final Weights weights;
  private final PositionTables tables;
  private final AttentionMixer attention;

  Decoder(ModelConfig config, Weights weights, PositionTables tables, Device device) {
    this.config = config;
    this.weights = weights;
    this.tables = tables;
    this.attention = new AttentionMixer(config, tables, device);
  }

  /**
   * The residual stream before the first block.
   *
   * @param ids [B, T] int64
   * @param places where the tokens stand, int64 [T]; empty: 0 to T - 1
   * @return [B, T, d]
   */
  Tensor embed(Tensor ids, Optional<Tensor> places) {
    Tensor x = Tensors.floats(torch.embedding(weights.embedding(), ids));
    if (config.embeddingScale() != 1) {
      x.mul_(new Scalar(config.embeddingScale()));
    }
    weights
        .positions()
        .ifPresent(
            positions ->
                x.add_(
                    places.isPresent()
                        ? positions.index_select(0, places.get())
                        : positions.narrow(0, 0, ids.size(1))));
    return x;
  }

  /**
   * Runs blocks {@code first} to last and the head, as far as the hooks ask.
   *
   * @param x [B, T, d], the first block's input; stays the caller's
   * @param hooks told of every module's input and output
   * @return logits [B, T, V], or empty when the pass ended before the head
   */
  Optional<Tensor> run(int first, Tensor x, ActiveHooks hooks) {
    PointerScope scope = PointerScope.getInnerScope();
    Tensor stream = x.contiguous();
    for (int layer = first; layer < config.layers() && !hooks.done(); layer++) {
      int current = layer;
      Tensor input = stream;
      stream = scoped(() -> block(current, input, hooks));
      if (!hooks.done()) {
        scope.detach(input);
      }
    }
    if (hooks.done()) {
      return Optional.empty();
    }
    Tensor last = stream;
    return Optional.of(scoped(() -> logits(last)));
  }

  /** The norm before the head. */
  Tensor finalNorm(Tensor x) {
    return weights.finalNorm().apply(x);
  }

  /** Final norm and head: [..., d] to [..., V]. */
  Tensor logits(Tensor x) {
    return weights.head().logits(finalNorm(x));
  }

  /** One block; when the hooks are done before its end, what it returns is not used. */
  private Tensor block(int layer, Tensor x, ActiveHooks hooks) {
    Block w = weights.blocks().get(layer);
    hooks.input(layer, Site.LAYER, x);
    if (hooks.done()) {
      return x;
    }
    Tensor sum =
        config.parallelResidual() ? parallel(layer, w, x, hooks) : serial(layer, w, x, hooks);
    return hooks.done() ? x : hooks.output(layer, Site.LAYER, x, sum);
  }

  /**
   * x + mlp(norm(x)) + attention(norm(x)); the order of the two is free, and an MLP is hooked more
   * often.
   */
  private Tensor parallel(int layer, Block w, Tensor x, ActiveHooks hooks) {
    Tensor flowing = flowing(layer, x, hooks);
    Tensor mlp = mlp(layer, w, flowing, hooks);
    if (hooks.done()) {
      return x;
    }
    Tensor attention = attention(layer, w, x, hooks);
    return hooks.done() ? x : add(mlp, hooks.holds(layer, Site.MLP), attention).add_(flowing);
  }

  /** h = x + attention(norm(x)), then h + mlp(norm(h)). */
  private Tensor serial(int layer, Block w, Tensor x, ActiveHooks hooks) {
    Tensor attention = normed(w.attentionOutNorm(), attention(layer, w, x, hooks));
    if (hooks.done()) {
      return x;
    }
    boolean attentionKept = w.attentionOutNorm().isEmpty() && hooks.holds(layer, Site.ATTENTION);
    Tensor h = add(attention, attentionKept, flowing(layer, x, hooks));
    Tensor mlp = normed(w.mlpOutNorm(), mlp(layer, w, h, hooks));
    boolean mlpKept = w.mlpOutNorm().isEmpty() && hooks.holds(layer, Site.MLP);
    return hooks.done() ? x : add(mlp, mlpKept, h);
  }

  /**
   * What goes on through a block once its keys and values are made: in the last, what is wanted.
   */
  private Tensor flowing(int layer, Tensor x, ActiveHooks hooks) {
    return isLast(layer) && hooks.extension().isPresent() ? hooks.extension().get().wanted(x) : x;
  }

  private boolean isLast(int layer) {
    return layer == config.layers() - 1;
  }

  /** The sum, written over {@code a} unless that is kept. */
  private static Tensor add(Tensor a, boolean aIsKept, Tensor b) {
    return aIsKept ? a.add(b) : a.add_(b);
  }

  private Tensor attention(int layer, Block w, Tensor x, ActiveHooks hooks) {
    Tensor input = w.attentionNorm().apply(x);
    hooks.input(layer, Site.ATTENTION, input);
    if (hooks.done()) {
      return x;
    }
    Tensor output = scoped(() -> attend(layer, w, input, hooks));
    return hooks.output(layer, Site.ATTENTION, input, output);
  }

  private Tensor mlp(int layer, Block w, Tensor x, ActiveHooks hooks) {
    Tensor input = w.mlpNorm().apply(x);
    hooks.input(layer, Site.MLP, input);
    if (hooks.done()) {
      return x;
    }
    Tensor output =
        scoped(
            () ->
                config.parallelResidual()
                    ? ofTokens(layer, input, hooks, few -> feedForward(w, few))
                    : feedForward(w, input));
    return hooks.output(layer, Site.MLP, input, output);
  }

  /**
   * A function of single rows; in the first block of the tokens' own, so once for each token (but
   * where it is the last, too, of which only some tokens may flow on).
   */
  private Tensor ofTokens(int layer, Tensor x, ActiveHooks hooks, UnaryOperator<Tensor> function) {
    Optional<DistinctTokens> distinct =
        layer == 0 && !isLast(layer) ? hooks.distinct() : Optional.empty();
    return distinct.isPresent() ? distinct.get().apply(x, function) : function.apply(x);
  }

  /** Out(act(in x)), or, gated, out(act(gate x) · up x). */
  private Tensor feedForward(Block w, Tensor x) {
    Tensor inner = w.mlpIn().apply(x);
    if (!config.family().gated()) {
      return w.mlpOut().apply(config.activation().applyTo(inner));
    }
    long width = config.innerWidth();
    Tensor gate = config.activation().applyTo(inner.narrow(-1, 0, width));
    return w.mlpOut().apply(gate.mul(inner.narrow(-1, width, width)));
  }

  /** Multi-head attention over normalised x, [B, T, d] to [B, T, d]. */
  private Tensor attend(int layer, Block w, Tensor x, ActiveHooks hooks) {
    Tensor all = ofTokens(layer, x, hooks, w.queryKeyValue()::apply);
    Tensor queries = heads(all, 0, config.heads());
    Tensor keys = heads(all, config.queryWidth(), config.keyValueHeads());
    Tensor values =
        heads(all, config.queryWidth() + config.keyValueWidth(), config.keyValueHeads());
    Tensor q = normed(w.queryNorm(), queries);
    Tensor k = normed(w.keyNorm(), keys);
    config
        .rotaryOf(layer)
        .ifPresent(
            rotary -> {
              PositionTables.Angles angles = angles(rotary, (int) x.size(1), hooks);
              turn(angles, q);
              turn(angles, k);
            });
    return w.attentionOut().apply(mixed(layer, q, k, values, hooks));
  }

  private Tensor mixed(int layer, Tensor q, Tensor k, Tensor values, ActiveHooks hooks) {
    if (hooks.extension().isPresent()) {
      ExtensionPass pass = hooks.extension().get();
      pass.put(layer, k, values);
      return attention.mixAfter(layer, flowing(layer, q, hooks), pass, isLast(layer));
    }
    KeyValues.Pair seen = hooks.seen(layer, k, values);
    return attention.mix(layer, q, seen.keys(), seen.values());
  }

  /** Of the pass's tokens, [T, 1, width/2]. */
  private PositionTables.Angles angles(Rotary rotary, int length, ActiveHooks hooks) {
    if (hooks.extension().isPresent()) {
      return hooks.extension().get().angles(tables, rotary);
    }
    int offset = hooks.offset();
    PositionTables.Angles all = tables.angles(rotary, length + offset);
    return new PositionTables.Angles(
        length, all.cosines().narrow(0, offset, length), all.sines().narrow(0, offset, length));
  }

  /** Channels {@code from …} of the stacked projection, [B, T, heads, c]. */
  private Tensor heads(Tensor all, long from, long count) {
    return all.narrow(-1, from, count * config.headWidth())
        .view(all.size(0), all.size(1), count, config.headWidth());
  }

  /**
   * Turns the channel pairs (i, i + width/2) of every head of {@code x} [B, T, heads, c], in place.
   */
  private static void turn(PositionTables.Angles angles, Tensor x) {
    long half = angles.cosines().size(-1);
    Tensor a = x.narrow(-1, 0, half);
    Tensor b = x.narrow(-1, half, half);
    Tensor before = a.clone();
    a.mul_(angles.cosines()).addcmul_(b, angles.sines(), new Scalar(-1.0));
    b.mul_(angles.cosines()).addcmul_(before, angles.sines());
  }

  private static Tensor normed(Optional<Norm> norm, Tensor x) {
    return norm.isPresent() ? norm.get().apply(x) : x;
  }

  /** Runs a part, frees its temporaries, and hands its result to the surrounding scope. */
  private static Tensor scoped(Supplier<Tensor> part) {
    Tensor result;
    try (PointerScope inner = new PointerScope()) {
      result = Tensors.keep(part.get());
    }
    return Tensors.lend(result);
  }
}
