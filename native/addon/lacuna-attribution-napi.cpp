#include "lacuna-attribution-napi.h"

#include "lacuna-attribution.h"
#include "lacuna-family.h"
#include "lacuna-napi.h"

#include <atomic>

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

    res.Set("tokens", scoresToObject(env, job.layers(), &lacuna_layer_scores::tokens));

    auto means = Napi::Array::New(env, job.layers().size());
    for (size_t il = 0; il < job.layers().size(); il++) {
        means.Set(il, toTypedArray<Napi::Float32Array>(env, job.layers()[il].mean));
    }
    res.Set("means", means);
    if (!job.layers()[0].sizes.up.empty()) {
        auto sizes = Napi::Array::New(env, job.layers().size());
        for (size_t il = 0; il < job.layers().size(); il++) {
            auto layer = Napi::Object::New(env);
            layer.Set("up", toTypedArray<Napi::Float32Array>(env, job.layers()[il].sizes.up));
            layer.Set("x", toTypedArray<Napi::Float32Array>(env, job.layers()[il].sizes.x));
            layer.Set("down", toTypedArray<Napi::Float32Array>(env, job.layers()[il].sizes.down));
            sizes.Set(il, layer);
        }
        res.Set("sizes", sizes);
    }
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
    std::atomic<bool> busy { false };
};

Napi::Value lacunaCreateAttribution(const Napi::CallbackInfo& info) {
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
    params.n_ctx = optionOr(options, "contextSize", 0);
    params.sizes = optionOr(options, "sizes", params.sizes);
    params.n_threads = std::max(1, optionOr(options, "threads", params.n_threads));
    params.keep_bytes = optionOr(options, "keepBytes", params.keep_bytes);
    if (options.Get("labels").IsTypedArray()) {
        params.labels = toVector<Napi::Int32Array, int32_t>(options.Get("labels"));
    }
    if (options.Get("aggregation").IsString()) {
        params.aggregation = lacuna_aggregation_from_name(options.Get("aggregation").As<Napi::String>().Utf8Value());
    }
    params.own_term = optionOr(options, "ownTerm", false);
    params.neurons_only = optionOr(options, "neuronsOnly", false);
    params.token_scores = optionOr(options, "tokenScores", false);

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
