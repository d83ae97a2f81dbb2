#include "planner/search/suggest.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "planner/base/error.h"

namespace aforo {
namespace {

/// NF4 with an fp32 scale for every 64 weights (QLoRA without double quantization).
constexpr double nf4_bytes = 0.5 + 4.0 / 64;

class Suggester {
 public:
  Suggester(const LatticeRequest& request, const std::vector<AcceleratorSpec>& cards)
      : request_(request), cards_(cards) {
    request_.keep = 1;
  }

  std::vector<Suggestion> all() {
    layouts();
    if (!request_.engine->native) eight_bit_states();
    more_devices();
    larger_card();
    half_sequence();
    if (request_.base.method == Method::full) adapters();
    return std::move(found_);
  }

 private:
  /// Searches again; true if there is a plan, which is then noted.
  bool attempt(Change change, std::string text, const LatticeRequest& changed) {
    LatticeResult result;
    try {
      result = search_lattice(changed);
    } catch (const InputError&) {
      return false;  // a card without that precision
    }
    if (result.best.empty()) return false;
    found_.push_back({change, std::move(text), result.best.front()});
    return true;
  }

  void layouts() {
    const fast::EngineSupport& can = request_.engine->supports;
    LatticeRequest changed = request_;
    changed.space.selective = changed.space.full_recompute = true;
    if (!request_.space.full_recompute || !request_.space.selective)
      attempt(Change::recompute, "compute layers again in the backward pass", changed);
    changed = request_;
    changed.space.offload_states = true;
    if (can.offload_states && !request_.space.offload_states)
      attempt(Change::offload_states, "keep optimizer states on the host", changed);
    changed = request_;
    changed.space.offload_activations = true;
    if (can.offload_activations && !request_.space.offload_activations)
      attempt(Change::offload_activations, "keep activations on the host until backward", changed);
  }

  void eight_bit_states() {
    const fast::StateBytes& states = request_.base.states;
    if (request_.base.optimizer != OptimizerKind::adamw || states.states <= 2) return;
    LatticeRequest changed = request_;
    changed.base.states.states = 2;  // two moments of a byte each
    attempt(Change::eight_bit_states, "keep AdamW's states in 8 bits", changed);
  }

  void more_devices() {
    for (int factor : {2, 4, 8}) {
      LatticeRequest changed = request_;
      for (int& n : changed.space.n_devices) n *= factor;
      const std::string text = fmt::format(
          "use {} times as many devices ({})", factor,
          *std::max_element(changed.space.n_devices.begin(), changed.space.n_devices.end()));
      if (attempt(Change::more_devices, text, changed)) return;
    }
  }

  void larger_card() {
    const AcceleratorSpec& own = *request_.cluster.accelerator;
    std::vector<const AcceleratorSpec*> larger;
    for (const AcceleratorSpec& card : cards_)
      if (card.kind == own.kind && card.vendor == own.vendor &&
          card.usable_memory > own.usable_memory)
        larger.push_back(&card);
    std::stable_sort(larger.begin(), larger.end(), [](const auto* a, const auto* b) {
      return a->usable_memory < b->usable_memory;
    });
    for (const AcceleratorSpec* card : larger)
      if (attempt(Change::larger_card,
                  fmt::format("use {} with {:.0f} GB of memory", card->name,
                              static_cast<double>(card->memory.value) / 1e9),
                  on_card(*card)))
        return;
  }

  LatticeRequest on_card(const AcceleratorSpec& card) const {
    LatticeRequest changed = request_;
    changed.cluster.accelerator = &card;
    changed.cluster.per_node = std::max(1, card.per_node);
    if (card.link.all_reduce.value > 0)
      changed.cluster.intra_bandwidth = card.link.all_reduce.value;
    changed.base.device.memory = static_cast<double>(card.usable_memory.value);
    changed.base.device.context = static_cast<double>(card.context_memory.value);
    changed.memory_limit = 0;
    return changed;
  }

  void half_sequence() {
    if (request_.base.seq_len < 2 || request_.base.examples != nullptr) return;
    LatticeRequest changed = request_;
    changed.base.seq_len /= 2;
    changed.base.document_len = std::min(changed.base.document_len, changed.base.seq_len);
    attempt(Change::half_sequence, fmt::format("train on sequences of {}", changed.base.seq_len),
            changed);
  }

  void adapters() {
    LatticeRequest changed = request_;
    if (request_.engine->trains(Method::lora)) {
      changed.base.method = Method::lora;
      changed.base.frozen_bytes = 2;
      attempt(Change::lora, fmt::format("train adapters of rank {} (LoRA)", changed.base.lora.rank),
              changed);
    }
    if (request_.engine->trains(Method::qlora)) {
      changed.base.method = Method::qlora;
      changed.base.frozen_bytes = nf4_bytes;
      attempt(Change::qlora,
              fmt::format("train adapters of rank {} beside 4-bit weights (QLoRA)",
                          changed.base.lora.rank),
              changed);
    }
  }

  LatticeRequest request_;
  const std::vector<AcceleratorSpec>& cards_;
  std::vector<Suggestion> found_;
};

}  // namespace

std::vector<Suggestion> suggest_changes(const LatticeRequest& request,
                                        const std::vector<AcceleratorSpec>& cards) {
  return Suggester(request, cards).all();
}

}  // namespace aforo
