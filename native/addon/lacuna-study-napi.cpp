#include "lacuna-study-napi.h"

#include "lacuna-column-norms.h"
#include "lacuna-family.h"
#include "lacuna-napi.h"
#include "lacuna-study.h"

#include "llama-model.h"

#include <atomic>

struct LacunaStudyJob {
    std::shared_ptr<lacuna_weights> weights;
    std::shared_ptr<lacuna_study> study;
    std::atomic<bool> busy { false };
};

template <typename Array, typename T> static void read(const Napi::Object& object, const char* key, std::vector<T>& values) {
    if (object.Get(key).IsTypedArray()) {
        values = toVector<Array, T>(object.Get(key));
    }
}

static lacuna_layer_mask layerMask(const Napi::Value& value) {
    lacuna_layer_mask mask;
    if (!value.IsObject()) {
        return mask;
    }
    const auto object = value.As<Napi::Object>();
    read<Napi::Uint8Array>(object, "keep", mask.keep);
    read<Napi::Float32Array>(object, "means", mask.mean);
    read<Napi::Uint8Array>(object, "tokenKeep", mask.token_keep);
    read<Napi::Uint8Array>(object, "heads", mask.heads);
    if (object.Get("choice").IsObject()) {
        const auto choice = object.Get("choice").As<Napi::Object>();
        const bool gate = choice.Get("by").As<Napi::String>().Utf8Value() == "gate";
        mask.choice = gate ? LACUNA_CHOICE_GATE : LACUNA_CHOICE_X;
        mask.threshold = optionOr(choice, "threshold", 0.0f);
        mask.top = optionOr(choice, "top", 0);
        read<Napi::Float32Array>(choice, "weights", mask.weight);
    }
    return mask;
}

static Napi::Object resultToObject(const Napi::Env& env, const lacuna_study_result& result) {
    auto res = Napi::Object::New(env);
    res.Set("logLikelihood", toTypedArray<Napi::Float32Array>(env, result.log_likelihood));
    res.Set("top1", toTypedArray<Napi::Int32Array>(env, result.top1));
    res.Set("kl", toTypedArray<Napi::Float32Array>(env, result.kl));
    res.Set("active", toTypedArray<Napi::Float64Array>(env, result.active));
    if (!result.logits.empty()) {
        res.Set("logits", toTypedArray<Napi::Float32Array>(env, result.logits));
    }
    return res;
}

// Runs work that nothing else of the study may run beside
static Napi::Value exclusively(const Napi::Env& env, const std::shared_ptr<LacunaStudyJob>& job, const Napi::Object& model,
                               std::function<void()> work, std::function<Napi::Value(Napi::Env)> result) {
    unwrapModel(model);
    if (job->busy || job->weights == nullptr) {
        throw Napi::Error::New(env, job->busy ? "This study is running" : "The study is disposed");
    }
    job->busy = true;
    return LacunaWorker::run(env, { model }, [job, work] {
        try {
            work();
        } catch (...) {
            job->busy = false;
            throw;
        }
    }, [job, result](Napi::Env env) {
        job->busy = false;
        return result(env);
    });
}

Napi::Value lacunaCreateStudy(const Napi::CallbackInfo& info) {
    auto env = info.Env();
    auto* model = unwrapModel(info[0]);
    auto options = info[2].As<Napi::Object>();

    const auto reason = lacuna_unsupported_reason(*model->model);
    if (!reason.empty()) {
        throw Napi::Error::New(env, reason);
    }

    auto job = std::make_shared<LacunaStudyJob>();
    job->weights = weightsOf(model);

    lacuna_study_params params;
    params.tokens = toVector<Napi::Int32Array, int32_t>(info[1]);
    params.from = optionOr(options, "from", 0);
    params.keep_activations = optionOr(options, "keepActivations", false);
    params.n_threads = std::max(1, optionOr(options, "threads", 1));

    auto modelObject = std::make_shared<Napi::ObjectReference>(Napi::Persistent(info[0].As<Napi::Object>()));

    return exclusively(env, job, modelObject->Value(), [job, params] {
        job->study = std::make_shared<lacuna_study>(*job->weights, params);
    }, [job, modelObject](Napi::Env env) -> Napi::Value {
        auto res = Napi::Object::New(env);
        res.Set("dense", resultToObject(env, job->study->dense()));
        res.Set("run", Napi::Function::New(env, [job, modelObject](const Napi::CallbackInfo& info) -> Napi::Value {
            const auto options = info[0].As<Napi::Object>();
            const auto layers = options.Get("layers").As<Napi::Array>();
            lacuna_study_variant variant;
            for (uint32_t il = 0; il < layers.Length(); il++) {
                variant.layers.push_back(layerMask(layers.Get(il)));
            }
            variant.dense_prefix = optionOr(options, "densePrefix", true);
            variant.logits = optionOr(options, "logits", false);

            auto result = std::make_shared<lacuna_study_result>();
            return exclusively(info.Env(), job, modelObject->Value(), [job, variant, result] { *result = job->study->run(variant); },
                [result](Napi::Env env) { return resultToObject(env, *result); });
        }));
        res.Set("activations", Napi::Function::New(env, [job](const Napi::CallbackInfo& info) -> Napi::Value {
            if (job->busy || job->study == nullptr) {
                throw Napi::Error::New(info.Env(), job->busy ? "This study is running" : "The study is disposed");
            }
            try {
                const auto& activations = job->study->activations(info[0].As<Napi::Number>().Int32Value());
                auto res = Napi::Object::New(info.Env());
                res.Set("x", toTypedArray<Napi::Float32Array>(info.Env(), activations.x));
                res.Set("gate", toTypedArray<Napi::Float32Array>(info.Env(), activations.gate));
                return res;
            } catch (const std::invalid_argument& e) {
                throw Napi::Error::New(info.Env(), e.what());
            }
        }));
        res.Set("dispose", Napi::Function::New(env, [job, modelObject](const Napi::CallbackInfo& info) {
            if (job->busy) {
                throw Napi::Error::New(info.Env(), "This study is running");
            }
            job->study.reset();
            job->weights.reset();
        }));
        return res;
    });
}

Napi::Value lacunaDownNorms(const Napi::CallbackInfo& info) {
    auto* model = unwrapModel(info[0]);
    const auto weights = weightsOf(model);
    const auto& layer = model->model->layers.at(info[1].As<Napi::Number>().Uint32Value());
    return toTypedArray<Napi::Float32Array>(info.Env(), lacuna_column_norms(weights->host(layer.ffn_down), 1));
}
