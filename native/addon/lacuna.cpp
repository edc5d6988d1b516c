#include "lacuna.h"

#include "lacuna-attribution-napi.h"
#include "lacuna-cache-napi.h"
#include "lacuna-decode.h"
#include "lacuna-eval.h"
#include "lacuna-family.h"
#include "lacuna-ffn.h"
#include "lacuna-head-napi.h"
#include "lacuna-large-pages.h"
#include "lacuna-memory.h"
#include "lacuna-napi.h"
#include "lacuna-quantize-napi.h"
#include "lacuna-study-napi.h"
#include "lacuna-threads.h"

#include "llama-model.h"

#include <atomic>

// llama.cpp's setting belongs to a model, node-llama-cpp's model class does not pass it on
static std::atomic<bool> repackFfn { true };

bool lacunaRepackFfn() {
    return repackFfn;
}

// decoding reads mapped weights as fast where the processor has kernels for few columns
bool lacunaRepackOthers() {
    auto * reg = ggml_backend_reg_by_name("CPU");
    auto * available = reg ? (bool (*)()) ggml_backend_reg_get_proc_address(reg, "ggml_cpu_fewcol_available") : nullptr;

    return repackFfn || !available || !available();
}

static std::shared_ptr<lacuna_planes> planesOf(AddonModel* model) {
    return attached<lacuna_planes>(model->Value(), "lacunaPlanes", [&] {
        return std::make_shared<lacuna_planes>(weightsOf(model));
    });
}

static std::shared_ptr<lacuna_ffn> ffnOf(AddonContext* context) {
    return attached<lacuna_ffn>(context->Value(), "lacunaFfn", [&] {
        return std::make_shared<lacuna_ffn>(weightsOf(context->model), planesOf(context->model));
    });
}

// bytes of a layer that a token reads, see lacuna_plane_sizes
static Napi::Object planeSizes(const Napi::Env& env, const llama_layer& layer) {
    const auto sizes = lacuna_plane_sizes_of(layer);

    auto res = Napi::Object::New(env);
    res.Set("file", sizes.file);
    res.Set("up", sizes.up);
    res.Set("gate", sizes.gate);
    res.Set("down", sizes.down);
    res.Set("shared", sizes.shared);
    res.Set("rest", sizes.up_rest + sizes.gate_rest + sizes.down_rest);
    return res;
}

// null: ggml makes new threads for every token, as it does for node-llama-cpp
static std::shared_ptr<lacuna_threads> threadsOf(AddonContext* context) {
    return context->Value().Has("lacunaKeepThreads") ? attached<lacuna_threads>(context->model->Value(), "lacunaThreads", [] {
        return std::make_shared<lacuna_threads>();
    }) : nullptr;
}

static Napi::Value keepThreads(const Napi::CallbackInfo& info) {
    unwrapContext(info[0])->Value().Set("lacunaKeepThreads", true);
    return info.Env().Undefined();
}

static Napi::Value sparsitySupport(const Napi::CallbackInfo& info) {
    auto env = info.Env();
    auto* model = unwrapModel(info[0]);
    const auto& m = *model->model;

    auto res = Napi::Object::New(env);
    auto reason = lacuna_unsupported_reason(m);
    if (reason.empty()) {
        // now, while the file is the one that was loaded
        weightsOf(model);
        res.Set("rowMultiple", lacuna_ffn_row_multiple(m));
    } else {
        res.Set("reason", reason);
        res.Set("rowMultiple", 1);
    }
    const auto noChoice = reason.empty() ? lacuna_choice_unavailable_reason(*weightsOf(model)) : reason;
    if (noChoice.empty()) {
        auto layers = Napi::Array::New(env, m.layers.size());
        for (size_t il = 0; il < m.layers.size(); il++) {
            layers.Set(il, planeSizes(env, m.layers[il]));
        }
        res.Set("planes", layers);
    } else {
        res.Set("choiceReason", noChoice);
    }
    res.Set("supported", reason.empty());
    res.Set("architecture", m.arch_name());
    res.Set("layerCount", m.hparams.n_layer());
    res.Set("headCount", m.hparams.n_head());
    res.Set("embeddingSize", m.hparams.n_embd);

    auto sizes = Napi::Array::New(env, m.hparams.n_layer());
    for (uint32_t il = 0; il < m.hparams.n_layer(); il++) {
        sizes.Set(il, m.hparams.n_ff(il));
    }
    res.Set("ffnSize", sizes);
    return res;
}

static std::optional<ggml_type> downTypeFromName(const Napi::Env& env, const Napi::Value& value, const llama_model& model, int layer) {
    if (!value.IsString()) {
        return std::nullopt;
    }
    const auto name = value.As<Napi::String>().Utf8Value();
    if (name == "same") {
        return model.layers.at(layer).ffn_down->type;
    }
    for (const auto type : { GGML_TYPE_F32, GGML_TYPE_F16, GGML_TYPE_Q8_0, GGML_TYPE_Q4_0, GGML_TYPE_Q4_K, GGML_TYPE_Q5_K, GGML_TYPE_Q6_K }) {
        std::string typeName = ggml_type_name(type);
        std::transform(typeName.begin(), typeName.end(), typeName.begin(), [](char c) { return c == 'k' ? 'K' : (char) toupper(c); });
        if (typeName == name) {
            return type;
        }
    }
    throw Napi::Error::New(env, "Unknown type of the packed down projection: " + name);
}

// Frees at once what a disposed context computed its FFN with: the object that it is attached to may be collected much later
static Napi::Value freeFfn(const Napi::CallbackInfo& info) {
    detach<lacuna_ffn>(info[0].As<Napi::Object>(), "lacunaFfn");
    return info.Env().Undefined();
}

static Napi::Value setFfnRows(const Napi::CallbackInfo& info) {
    auto env = info.Env();
    auto* context = unwrapContext(info[0]);
    auto ffn = ffnOf(context);
    const int layer = info[1].As<Napi::Number>().Int32Value();

    if (!info[2].IsTypedArray()) {
        return LacunaWorker::run(env, { info[0].As<Napi::Object>() }, [=] { ffn->clear(context->ctx, layer); },
            [](Napi::Env env) { return Napi::Number::New(env, 0); });
    }

    auto options = info[3].As<Napi::Object>();
    lacuna_ffn_options params;
    params.down_type = downTypeFromName(env, options.Get("downType"), *context->model->model, layer);
    params.n_threads = std::max(1, optionOr(options, "threads", 1));
    if (options.Get("means").IsTypedArray()) {
        params.mean = toVector<Napi::Float32Array, float>(options.Get("means"));
    }

    auto bytes = std::make_shared<size_t>(0);
    return LacunaWorker::run(env, { info[0].As<Napi::Object>() },
        [=, rows = toVector<Napi::Int32Array, int32_t>(info[2])] { *bytes = ffn->set_rows(context->ctx, layer, rows, params); },
        [=](Napi::Env env) { return Napi::Number::New(env, (double) *bytes); });
}

static Napi::Value makePlanes(const Napi::CallbackInfo& info) {
    auto* model = unwrapModel(info[0]);
    const int layer = info[1].As<Napi::Number>().Int32Value();
    const int threads = std::max(1, info[2].As<Napi::Number>().Int32Value());
    const auto reason = lacuna_choice_unavailable_reason(*weightsOf(model));
    if (!reason.empty()) {
        throw Napi::Error::New(info.Env(), reason);
    }

    auto bytes = std::make_shared<size_t>(0);
    return LacunaWorker::run(info.Env(), { info[0].As<Napi::Object>() }, [=, planes = planesOf(model)] { *bytes = planes->make(layer, threads); },
        [=](Napi::Env env) { return Napi::Number::New(env, (double) *bytes); });
}

static Napi::Value planeBytes(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), (double) planesOf(unwrapModel(info[0]))->bytes());
}

static Napi::Value dropPlanes(const Napi::CallbackInfo& info) {
    planesOf(unwrapModel(info[0]))->clear();
    return info.Env().Undefined();
}

static Napi::Value setFfnChoice(const Napi::CallbackInfo& info) {
    auto* context = unwrapContext(info[0]);
    const auto options = info[2].As<Napi::Object>();

    lacuna_choice_params params;
    params.gate   = toVector<Napi::Float32Array, float>(options.Get("gateWeights"));
    params.down   = toVector<Napi::Float32Array, float>(options.Get("downWeights"));
    params.n_gate = optionOr(options, "gate", 0);
    params.n_down = optionOr(options, "down", 0);
    params.n_full = optionOr(options, "full", 0);
    const auto kernels = options.Get("kernels");

    ffnOf(context)->set_choice(context->ctx, info[1].As<Napi::Number>().Int32Value(), std::move(params),
        kernels.IsString() ? kernels.As<Napi::String>().Utf8Value() : std::string());
    return info.Env().Undefined();
}

static Napi::Value chosenTokens(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), (double) ffnOf(unwrapContext(info[0]))->n_chosen());
}

static Napi::Value choiceKernels(const Napi::CallbackInfo& info) {
    auto res = Napi::Array::New(info.Env());
    for (auto* kernels = lacuna_plane_all_kernels(); *kernels; kernels++) {
        if ((*kernels)->supported()) {
            res.Set(res.Length(), (*kernels)->name);
        }
    }
    return res;
}

static Napi::Value setFfnActive(const Napi::CallbackInfo& info) {
    llama_set_adapter_ffn_enabled(unwrapContext(info[0])->ctx, info[1].As<Napi::Boolean>().Value());
    return info.Env().Undefined();
}

static Napi::Value evaluate(const Napi::CallbackInfo& info) {
    auto env = info.Env();
    auto* context = unwrapContext(info[0]);
    auto options = info[2].As<Napi::Object>();

    lacuna_eval_params params;
    params.tokens = toVector<Napi::Int32Array, llama_token>(info[1]);
    params.from = optionOr(options, "from", 0);
    params.dense_until = optionOr(options, "denseUntil", 0);
    params.logits = optionOr(options, "logits", false);

    auto result = std::make_shared<lacuna_eval_result>();
    return LacunaWorker::run(env, { info[0].As<Napi::Object>() }, [=, threads = threadsOf(context), head = lacunaHeadOf(context)] {
        const auto loan = threads ? threads->lend(context->ctx) : lacuna_threads::loan();
        if (head) {
            head->set_mode(context->ctx, lacuna_head::FULL);
        }
        *result = lacuna_eval(context->ctx, params);
    }, [=](Napi::Env env) {
        auto res = Napi::Object::New(env);
        res.Set("logLikelihood", toTypedArray<Napi::Float32Array>(env, result->log_likelihood));
        res.Set("top1", toTypedArray<Napi::Int32Array>(env, result->top1));
        if (params.logits) {
            res.Set("logits", toTypedArray<Napi::Float32Array>(env, result->logits));
        }
        return res;
    });
}

static Napi::Value decode(const Napi::CallbackInfo& info) {
    auto* context = unwrapContext(info[0]);
    auto options = info[2].As<Napi::Object>();

    lacuna_decode_params params;
    params.tokens = toVector<Napi::Int32Array, int32_t>(info[1]);
    params.position = optionOr(options, "position", 0);
    params.n_outputs = optionOr(options, "outputs", 0);
    params.full_head = optionOr(options, "fullHead", false);

    if (options.Get("allowed").IsTypedArray()) {
        params.allowed = toVector<Napi::Int32Array, int32_t>(options.Get("allowed"));
    }
    if (options.Get("labels").IsTypedArray()) {
        params.labels = toVector<Napi::Int32Array, int32_t>(options.Get("labels"));
    }

    auto result = std::make_shared<lacuna_decode_result>();
    return LacunaWorker::run(info.Env(), { info[0].As<Napi::Object>() }, [=, threads = threadsOf(context), head = lacunaHeadOf(context)] {
        const auto loan = threads ? threads->lend(context->ctx) : lacuna_threads::loan();
        *result = lacuna_decode(context->ctx, params, head.get());
    }, [=](Napi::Env env) {
        auto res = Napi::Object::New(env);
        res.Set("next", toTypedArray<Napi::Int32Array>(env, result->next));
        res.Set("logLikelihood", toTypedArray<Napi::Float32Array>(env, result->log_likelihood));
        return res;
    });
}

static std::shared_ptr<lacuna_large_pages> largePagesOf(AddonModel* model) {
    return attached<lacuna_large_pages>(model->Value(), "lacunaLargePages", [&] {
        return std::make_shared<lacuna_large_pages>(*model->model);
    });
}

// model, "ffn" or "others"
static lacuna_large_pages::part partOf(const Napi::Value& name) {
    return name.As<Napi::String>().Utf8Value() == "ffn" ? lacuna_large_pages::FFN : lacuna_large_pages::OTHERS;
}

static Napi::Value moveToLargePages(const Napi::CallbackInfo& info) {
    auto options = info[2].As<Napi::Object>();
    const auto part = partOf(info[1]);
    const auto maxBytes = optionOr<int64_t>(options, "maxBytes", INT64_MAX);
    const int threads = optionOr(options, "threads", 1);

    auto bytes = std::make_shared<size_t>(0);
    return LacunaWorker::run(info.Env(), { info[0].As<Napi::Object>() }, [=, pages = largePagesOf(unwrapModel(info[0]))] {
        *bytes = pages->move(part, (size_t) maxBytes, threads);
    }, [=](Napi::Env env) {
        return Napi::Number::New(env, (double) *bytes);
    });
}

static Napi::Value leaveLargePages(const Napi::CallbackInfo& info) {
    largePagesOf(unwrapModel(info[0]))->restore(partOf(info[1]));
    return info.Env().Undefined();
}

static Napi::Value largePageBytes(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), (double) largePagesOf(unwrapModel(info[0]))->bytes());
}

static Napi::Value evictDense(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), (double) lacuna_evict_dense(*unwrapModel(info[0])->model));
}

static Napi::Value trimMemory(const Napi::CallbackInfo& info) {
    lacuna_trim_memory(*unwrapModel(info[0])->model);
    return info.Env().Undefined();
}

static Napi::Value packedBytes(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), (double) ffnOf(unwrapContext(info[0]))->packed_bytes());
}

static Napi::Value memory(const Napi::CallbackInfo& info) {
    auto env = info.Env();
    const auto resident = lacuna_resident_bytes();

    auto res = Napi::Object::New(env);
    res.Set("residentBytes", (double) resident.total);
    res.Set("anonymousBytes", (double) resident.anonymous);
    res.Set("mappedBytes", (double) (lacuna_mapped_bytes(*unwrapModel(info[0])->model) + largePagesOf(unwrapModel(info[0]))->bytes()));
    return res;
}

static Napi::Value setRepackFfn(const Napi::CallbackInfo& info) {
    repackFfn = info[0].As<Napi::Boolean>().Value();
    return info.Env().Undefined();
}

void lacunaInit(Napi::Env env, Napi::Object exports) {
    auto lacuna = Napi::Object::New(env);
    lacuna.Set("sparsitySupport", Napi::Function::New(env, guarded<sparsitySupport>));
    lacuna.Set("createAttribution", Napi::Function::New(env, guarded<lacunaCreateAttribution>));
    lacuna.Set("setFfnRows", Napi::Function::New(env, guarded<setFfnRows>));
    lacuna.Set("freeFfn", Napi::Function::New(env, guarded<freeFfn>));
    lacuna.Set("makePlanes", Napi::Function::New(env, guarded<makePlanes>));
    lacuna.Set("planeBytes", Napi::Function::New(env, guarded<planeBytes>));
    lacuna.Set("dropPlanes", Napi::Function::New(env, guarded<dropPlanes>));
    lacuna.Set("setFfnChoice", Napi::Function::New(env, guarded<setFfnChoice>));
    lacuna.Set("chosenTokens", Napi::Function::New(env, guarded<chosenTokens>));
    lacuna.Set("choiceKernels", Napi::Function::New(env, guarded<choiceKernels>));
    lacuna.Set("setFfnActive", Napi::Function::New(env, guarded<setFfnActive>));
    lacuna.Set("keepThreads", Napi::Function::New(env, guarded<keepThreads>));
    lacuna.Set("evaluate", Napi::Function::New(env, guarded<evaluate>));
    lacuna.Set("decode", Napi::Function::New(env, guarded<decode>));
    lacuna.Set("moveToLargePages", Napi::Function::New(env, guarded<moveToLargePages>));
    lacuna.Set("leaveLargePages", Napi::Function::New(env, guarded<leaveLargePages>));
    lacuna.Set("largePageBytes", Napi::Function::New(env, guarded<largePageBytes>));
    lacuna.Set("evictDense", Napi::Function::New(env, guarded<evictDense>));
    lacuna.Set("trimMemory", Napi::Function::New(env, guarded<trimMemory>));
    lacuna.Set("packedBytes", Napi::Function::New(env, guarded<packedBytes>));
    lacuna.Set("memory", Napi::Function::New(env, guarded<memory>));
    lacuna.Set("setRepackFfn", Napi::Function::New(env, guarded<setRepackFfn>));
    lacuna.Set("createStudy", Napi::Function::New(env, guarded<lacunaCreateStudy>));
    lacuna.Set("downNorms", Napi::Function::New(env, guarded<lacunaDownNorms>));
    lacuna.Set("quantize", Napi::Function::New(env, guarded<lacunaQuantize>));
    lacunaInitCache(env, lacuna);
    lacunaInitHead(env, lacuna, threadsOf);
    exports.Set("lacuna", lacuna);
}
