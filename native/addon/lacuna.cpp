#include "lacuna.h"

#include "lacuna-attribution.h"
#include "lacuna-eval.h"
#include "lacuna-ffn.h"
#include "lacuna-memory.h"
#include "lacuna-weights.h"

#include "AddonContext.h"
#include "AddonModel.h"

#include "llama-model.h"

#include <atomic>
#include <functional>

// llama.cpp's setting belongs to a model, node-llama-cpp's model class does not pass it on
static std::atomic<bool> repackFfn { true };

bool lacunaRepackFfn() {
    return repackFfn;
}

// Runs work on a worker thread, then result on the JavaScript thread. References in keepAlive outlive both.
class LacunaWorker : public Napi::AsyncWorker {
    public:
        LacunaWorker(const Napi::Env& env, std::function<void()> work, std::function<Napi::Value(Napi::Env)> result)
            : Napi::AsyncWorker(env, "LacunaWorker"), deferred(Napi::Promise::Deferred::New(env)), work(std::move(work)), result(std::move(result)) {}

        static Napi::Promise run(
            const Napi::Env& env,
            std::initializer_list<Napi::Object> keepAlive,
            std::function<void()> work,
            std::function<Napi::Value(Napi::Env)> result
        ) {
            auto* worker = new LacunaWorker(env, std::move(work), std::move(result));
            for (const auto& object : keepAlive) {
                worker->references.push_back(Napi::Persistent(object));
            }
            const auto promise = worker->deferred.Promise();
            worker->Queue();
            return promise;
        }

    protected:
        void Execute() override {
            try {
                work();
            } catch (const std::exception& e) {
                SetError(e.what());
            } catch (...) {
                SetError("Unknown error in the sparse engine");
            }
        }
        void OnOK() override {
            Napi::HandleScope scope(Env());
            deferred.Resolve(result(Env()));
        }
        void OnError(const Napi::Error& error) override {
            deferred.Reject(error.Value());
        }

    private:
        Napi::Promise::Deferred deferred;
        std::function<void()> work;
        std::function<Napi::Value(Napi::Env)> result;
        std::vector<Napi::ObjectReference> references;
};

// State of ours that lives and dies with an object of node-llama-cpp's
template <typename T, typename F>
static std::shared_ptr<T> attached(Napi::Object object, const char* key, F&& create) {
    if (object.Has(key)) {
        return *object.Get(key).As<Napi::External<std::shared_ptr<T>>>().Data();
    }

    auto value = create();
    auto external = Napi::External<std::shared_ptr<T>>::New(
        object.Env(), new std::shared_ptr<T>(value), [](Napi::Env, std::shared_ptr<T>* p) { delete p; });
    object.DefineProperty(Napi::PropertyDescriptor::Value(key, external, napi_default));
    return value;
}

static AddonModel* unwrapModel(const Napi::Value& value) {
    auto* model = Napi::ObjectWrap<AddonModel>::Unwrap(value.As<Napi::Object>());
    if (model->disposed || model->model == nullptr) {
        throw Napi::Error::New(value.Env(), "The model is not loaded");
    }
    return model;
}

static AddonContext* unwrapContext(const Napi::Value& value) {
    auto* context = Napi::ObjectWrap<AddonContext>::Unwrap(value.As<Napi::Object>());
    if (context->disposed || context->ctx == nullptr) {
        throw Napi::Error::New(value.Env(), "The context is disposed");
    }
    return context;
}

static std::shared_ptr<lacuna_weights> weightsOf(AddonModel* model) {
    return attached<lacuna_weights>(model->Value(), "lacunaWeights", [&] {
        return std::make_shared<lacuna_weights>(*model->model, model->modelPath);
    });
}

static std::shared_ptr<lacuna_ffn> ffnOf(AddonContext* context) {
    return attached<lacuna_ffn>(context->Value(), "lacunaFfn", [&] {
        return std::make_shared<lacuna_ffn>(weightsOf(context->model));
    });
}

// Exceptions of ours on the JavaScript thread become JavaScript errors
template <Napi::Value (*fn)(const Napi::CallbackInfo&)>
static Napi::Value guarded(const Napi::CallbackInfo& info) {
    try {
        return fn(info);
    } catch (const Napi::Error&) {
        throw;
    } catch (const std::exception& e) {
        throw Napi::Error::New(info.Env(), e.what());
    }
}

template <typename T> static T optionOr(const Napi::Object& options, const char* key, T fallback) {
    const auto value = options.Get(key);
    if (value.IsNumber()) {
        return static_cast<T>(value.As<Napi::Number>().DoubleValue());
    }
    if (value.IsBoolean()) {
        return static_cast<T>(value.As<Napi::Boolean>().Value());
    }
    return fallback;
}

template <typename Array, typename T> static std::vector<T> toVector(const Napi::Value& value) {
    const auto array = value.As<Array>();
    return std::vector<T>(array.Data(), array.Data() + array.ElementLength());
}

template <typename Array, typename T> static Array toTypedArray(const Napi::Env& env, const std::vector<T>& values) {
    auto array = Array::New(env, values.size());
    std::copy(values.begin(), values.end(), array.Data());
    return array;
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

// metric -> [layerCount] Float32Array
static Napi::Object scoresToObject(const Napi::Env& env, const std::vector<lacuna_layer_scores>& layers, lacuna_scores lacuna_layer_scores::* member) {
    auto res = Napi::Object::New(env);
    for (const auto metric : lacuna_all_metrics()) {
        if ((layers[0].*member).count(metric) == 0) {
            continue;
        }
        auto perLayer = Napi::Array::New(env, layers.size());
        for (size_t il = 0; il < layers.size(); il++) {
            perLayer.Set(il, toTypedArray<Napi::Float32Array>(env, (layers[il].*member).at(metric)));
        }
        res.Set(lacuna_metric_name(metric), perLayer);
    }
    return res;
}

static Napi::Object attributionResult(const Napi::Env& env, const lacuna_attribution& job) {
    auto res = Napi::Object::New(env);
    res.Set("F", job.F());
    res.Set("neurons", scoresToObject(env, job.layers(), &lacuna_layer_scores::neurons));
    res.Set("heads", scoresToObject(env, job.layers(), &lacuna_layer_scores::heads));

    auto means = Napi::Array::New(env, job.layers().size());
    for (size_t il = 0; il < job.layers().size(); il++) {
        means.Set(il, toTypedArray<Napi::Float32Array>(env, job.layers()[il].mean));
    }
    res.Set("means", means);
    res.Set("peakBytes", job.peak_bytes());

    auto ms = Napi::Object::New(env);
    ms.Set("forward", job.ms_forward());
    ms.Set("backward", job.ms_backward());
    res.Set("ms", ms);
    return res;
}

struct LacunaJob {
    std::shared_ptr<lacuna_weights> weights;
    std::unique_ptr<lacuna_attribution> attribution;
    lacuna_attribution_params params;
    lacuna_progress progress = { LACUNA_PHASE_FORWARD, 0, 0.0 };
    bool busy = false;
};

static Napi::Value createAttribution(const Napi::CallbackInfo& info) {
    static const char* const phaseNames[] = { "forward", "output", "backward", "ig", "done" };

    auto env = info.Env();
    auto* model = unwrapModel(info[0]);
    auto options = info[2].As<Napi::Object>();

    const auto reason = lacuna_unsupported_reason(*model->model);
    if (!reason.empty()) {
        throw Napi::Error::New(env, reason);
    }

    auto job = std::make_shared<LacunaJob>();
    job->weights = weightsOf(model);

    auto& params = job->params;
    params.tokens = toVector<Napi::Int32Array, int32_t>(info[1]);
    auto window = options.Get("window").As<Napi::Array>();
    params.start = window.Get(0u).As<Napi::Number>().Int32Value();
    params.end = window.Get(1u).As<Napi::Number>().Int32Value();
    params.metrics = 0;
    auto metrics = options.Get("metrics").As<Napi::Array>();
    for (uint32_t i = 0; i < metrics.Length(); i++) {
        params.metrics |= lacuna_metric_from_name(metrics.Get(i).As<Napi::String>().Utf8Value());
    }
    params.n_ig_steps = std::max(1, optionOr(options, "igSteps", params.n_ig_steps));
    params.seed = optionOr(options, "seed", params.seed);
    params.n_threads = std::max(1, optionOr(options, "threads", params.n_threads));
    params.keep_bytes = optionOr(options, "keepBytes", params.keep_bytes);

    if (params.start < 1 || params.end <= params.start || params.end > (int) params.tokens.size()) {
        throw Napi::Error::New(env, "The window is not inside the tokens");
    }

    auto res = Napi::Object::New(env);
    auto modelObject = std::make_shared<Napi::ObjectReference>(Napi::Persistent(info[0].As<Napi::Object>()));

    res.Set("step", Napi::Function::New(env, [job, modelObject](const Napi::CallbackInfo& info) -> Napi::Value {
        unwrapModel(modelObject->Value());
        if (job->busy || job->weights == nullptr) {
            throw Napi::Error::New(info.Env(), job->busy ? "A step of this attribution is running" : "The attribution is disposed");
        }
        job->busy = true;
        return LacunaWorker::run(info.Env(), { modelObject->Value() }, [job] {
            try {
                if (job->attribution == nullptr) {
                    job->attribution = std::make_unique<lacuna_attribution>(*job->weights, std::move(job->params));
                }
                job->progress = job->attribution->step();
            } catch (...) {
                job->busy = false;
                throw;
            }
        }, [job](Napi::Env env) -> Napi::Value {
            job->busy = false;
            auto progress = Napi::Object::New(env);
            progress.Set("phase", phaseNames[job->progress.phase]);
            progress.Set("layer", job->progress.layer);
            progress.Set("fraction", job->progress.fraction);
            return progress;
        });
    }));
    res.Set("result", Napi::Function::New(env, [job](const Napi::CallbackInfo& info) -> Napi::Value {
        if (job->attribution == nullptr || job->progress.phase != LACUNA_PHASE_DONE) {
            throw Napi::Error::New(info.Env(), "The attribution is not done");
        }
        return attributionResult(info.Env(), *job->attribution);
    }));
    res.Set("dispose", Napi::Function::New(env, [job, modelObject](const Napi::CallbackInfo& info) {
        if (job->busy) {
            throw Napi::Error::New(info.Env(), "A step of this attribution is running");
        }
        job->attribution.reset();
        job->weights.reset();
    }));
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
    return LacunaWorker::run(env, { info[0].As<Napi::Object>() }, [=] { *result = lacuna_eval(context->ctx, params); }, [=](Napi::Env env) {
        auto res = Napi::Object::New(env);
        res.Set("logLikelihood", toTypedArray<Napi::Float32Array>(env, result->log_likelihood));
        res.Set("top1", toTypedArray<Napi::Int32Array>(env, result->top1));
        if (params.logits) {
            res.Set("logits", toTypedArray<Napi::Float32Array>(env, result->logits));
        }
        return res;
    });
}

static Napi::Value evictDense(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), (double) lacuna_evict_dense(*unwrapModel(info[0])->model));
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
    res.Set("mappedBytes", (double) lacuna_mapped_bytes(*unwrapModel(info[0])->model));
    return res;
}

static Napi::Value setRepackFfn(const Napi::CallbackInfo& info) {
    repackFfn = info[0].As<Napi::Boolean>().Value();
    return info.Env().Undefined();
}

void lacunaInit(Napi::Env env, Napi::Object exports) {
    auto lacuna = Napi::Object::New(env);
    lacuna.Set("sparsitySupport", Napi::Function::New(env, guarded<sparsitySupport>));
    lacuna.Set("createAttribution", Napi::Function::New(env, guarded<createAttribution>));
    lacuna.Set("setFfnRows", Napi::Function::New(env, guarded<setFfnRows>));
    lacuna.Set("setFfnActive", Napi::Function::New(env, guarded<setFfnActive>));
    lacuna.Set("evaluate", Napi::Function::New(env, guarded<evaluate>));
    lacuna.Set("evictDense", Napi::Function::New(env, guarded<evictDense>));
    lacuna.Set("packedBytes", Napi::Function::New(env, guarded<packedBytes>));
    lacuna.Set("memory", Napi::Function::New(env, guarded<memory>));
    lacuna.Set("setRepackFfn", Napi::Function::New(env, guarded<setRepackFfn>));
    exports.Set("lacuna", lacuna);
}
