#include "lacuna-head-napi.h"

#include "lacuna-decode.h"
#include "lacuna-head-make.h"

#include "llama-model.h"

#include <atomic>
#include <map>
#include <mutex>

static std::shared_ptr<lacuna_threads> (*threadsOf)(AddonContext* context);

static constexpr const char* KEY = "lacunaHead";

std::shared_ptr<lacuna_head> lacunaHeadOf(AddonContext* context) {
    if (!context->Value().Has(KEY)) {
        return nullptr;
    }
    return attached<lacuna_head>(context->Value(), KEY, []() -> std::shared_ptr<lacuna_head> { return nullptr; });
}

static std::shared_ptr<lacuna_head> headOf(AddonContext* context) {
    const auto reason = lacuna_head_unavailable_reason(*context->model->model);
    if (!reason.empty()) {
        throw std::runtime_error(reason);
    }
    return attached<lacuna_head>(context->Value(), KEY, [&] {
        return std::make_shared<lacuna_head>(weightsOf(context->model));
    });
}

// Copies of a model's head by file: all its contexts share one mapping
struct LacunaHeadCopies {
    std::mutex mutex;
    std::map<std::string, std::weak_ptr<const lacuna_head_copy>> byFile;
};

static Napi::Value headSupport(const Napi::CallbackInfo& info) {
    auto env = info.Env();
    const auto& model = *unwrapModel(info[0])->model;

    auto res = Napi::Object::New(env);
    const auto reason = lacuna_head_unavailable_reason(model);
    if (!reason.empty()) {
        res.Set("reason", reason);
    }
    res.Set("rows", model.output ? (double) model.output->ne[1] : 0);
    res.Set("bytes", model.output ? (double) ggml_nbytes(model.output) : 0);
    return res;
}

static Napi::Value headKernels(const Napi::CallbackInfo& info) {
    auto res = Napi::Array::New(info.Env());
    for (auto* kernels = lacuna_head_all_kernels(); *kernels; kernels++) {
        if ((*kernels)->supported()) {
            res.Set(res.Length(), (*kernels)->name);
        }
    }
    return res;
}

static Napi::Value checkHeadCopy(const Napi::CallbackInfo& info) {
    const auto* output = unwrapModel(info[0])->model->output;
    lacuna_head_copy(info[1].As<Napi::String>().Utf8Value(), info[2].As<Napi::Object>().Get("identity").As<Napi::String>().Utf8Value(),
        output->ne[1], output->ne[0]);
    return info.Env().Undefined();
}

static Napi::Value setHead(const Napi::CallbackInfo& info) {
    auto* context = unwrapContext(info[0]);
    auto* ctx = context->ctx;
    const auto head = headOf(context);

    if (!info[1].IsString()) {
        head->set_copy(ctx, nullptr, "");
        return info.Env().Undefined();
    }
    const auto copies = attached<LacunaHeadCopies>(context->model->Value(), "lacunaHeadCopies", [] { return std::make_shared<LacunaHeadCopies>(); });
    const auto options = info[2].As<Napi::Object>();
    const auto file = info[1].As<Napi::String>().Utf8Value();
    const auto identity = options.Get("identity").As<Napi::String>().Utf8Value();
    const auto kernels = options.Get("kernels").IsString() ? options.Get("kernels").As<Napi::String>().Utf8Value() : "";
    const auto* output = context->model->model->output;

    const std::lock_guard<std::mutex> lock(copies->mutex);
    auto copy = copies->byFile[file].lock();
    if (copy == nullptr) {
        copy = std::make_shared<const lacuna_head_copy>(file, identity, output->ne[1], output->ne[0]);
        copies->byFile[file] = copy;
    }
    head->set_copy(ctx, std::move(copy), kernels);
    return info.Env().Undefined();
}

static Napi::Value setHeadRows(const Napi::CallbackInfo& info) {
    if (const auto head = lacunaHeadOf(unwrapContext(info[0]))) {
        head->n_rows = std::max(1, info[1].As<Napi::Number>().Int32Value());
    }
    return info.Env().Undefined();
}

static Napi::Value holdTokens(const Napi::CallbackInfo& info) {
    if (const auto head = lacunaHeadOf(unwrapContext(info[0]))) {
        head->hold(0, toVector<Napi::Int32Array, llama_token>(info[1]));
    }
    return info.Env().Undefined();
}

static Napi::Value captureHeadInputs(const Napi::CallbackInfo& info) {
    auto* context = unwrapContext(info[0]);
    const auto head = headOf(context);
    const auto options = info[2].As<Napi::Object>();

    lacuna_decode_params params;
    params.tokens = toVector<Napi::Int32Array, llama_token>(info[1]);
    params.position = optionOr(options, "position", 0);
    params.n_outputs = optionOr(options, "outputs", 0);

    auto inputs = std::make_shared<std::vector<float>>();
    return LacunaWorker::run(info.Env(), { info[0].As<Napi::Object>() }, [=, threads = threadsOf(context)] {
        const auto loan = threads ? threads->lend(context->ctx) : lacuna_threads::loan();
        head->set_mode(context->ctx, lacuna_head::CAPTURED);
        try {
            lacuna_decode(context->ctx, params, nullptr);
        } catch (...) {
            head->set_mode(context->ctx, lacuna_head::SCREENED);
            throw;
        }
        head->set_mode(context->ctx, lacuna_head::SCREENED);
        *inputs = head->take_captured();
    }, [=](Napi::Env env) -> Napi::Value {
        return toTypedArray<Napi::Float32Array>(env, *inputs);
    });
}

static Napi::Value headCounters(const Napi::CallbackInfo& info) {
    const auto head = lacunaHeadOf(unwrapContext(info[0]));
    const auto counters = head ? head->read() : lacuna_head::counters();

    auto res = Napi::Object::New(info.Env());
    res.Set("tokens", (double) counters.tokens);
    res.Set("rows", (double) counters.rows);
    res.Set("bytes", (double) counters.bytes);
    return res;
}

static Napi::Value checkHead(const Napi::CallbackInfo& info) {
    const auto head = lacunaHeadOf(unwrapContext(info[0]));
    auto checked = std::make_shared<lacuna_head::checked>();
    return LacunaWorker::run(info.Env(), { info[0].As<Napi::Object>() }, [=] {
        if (head) {
            *checked = head->check();
        }
    }, [=](Napi::Env env) {
        auto res = Napi::Object::New(env);
        res.Set("checked", checked->n);
        res.Set("missed", checked->n_missed);
        return res;
    });
}

static Napi::Value studyHead(const Napi::CallbackInfo& info) {
    const auto head = lacunaHeadOf(unwrapContext(info[0]));
    if (head == nullptr || !head->has_copy()) {
        throw Napi::Error::New(info.Env(), "The context has no screened head");
    }
    auto study = std::make_shared<lacuna_head::study>();
    const auto inputs = std::make_shared<std::vector<float>>(toVector<Napi::Float32Array, float>(info[1]));
    const int threads = std::max(1, info[2].As<Napi::Number>().Int32Value());

    return LacunaWorker::run(info.Env(), { info[0].As<Napi::Object>() }, [=] { *study = head->run_study(*inputs, threads); }, [=](Napi::Env env) {
        auto res = Napi::Object::New(env);
        res.Set("best", toTypedArray<Napi::Int32Array>(env, study->best));
        res.Set("rank", toTypedArray<Napi::Int32Array>(env, study->rank));
        res.Set("logLikelihood", toTypedArray<Napi::Float32Array>(env, study->log_p));
        res.Set("estimated", toTypedArray<Napi::Float32Array>(env, study->estimated));
        return res;
    });
}

struct LacunaHeadJob {
    std::unique_ptr<lacuna_head_maker> maker;
    double fraction = 0.0;
    std::atomic<bool> busy { false };
};

static Napi::Value createHeadMaker(const Napi::CallbackInfo& info) {
    auto env = info.Env();
    auto* model = unwrapModel(info[0]);
    const auto options = info[2].As<Napi::Object>();

    const auto reason = lacuna_head_unavailable_reason(*model->model);
    if (!reason.empty()) {
        throw Napi::Error::New(env, reason);
    }
    lacuna_head_make_params params;
    params.inputs = toVector<Napi::Float32Array, float>(info[1]);
    params.path = options.Get("file").As<Napi::String>().Utf8Value();
    params.identity = options.Get("identity").As<Napi::String>().Utf8Value();
    params.n_threads = std::max(1, optionOr(options, "threads", 1));

    auto job = std::make_shared<LacunaHeadJob>();
    job->maker = std::make_unique<lacuna_head_maker>(weightsOf(model), std::move(params));

    auto res = Napi::Object::New(env);
    auto modelObject = std::make_shared<Napi::ObjectReference>(Napi::Persistent(info[0].As<Napi::Object>()));

    const auto idle = [job](const Napi::CallbackInfo& info) {
        if (job->busy) {
            throw Napi::Error::New(info.Env(), "A step of this head's copy is running");
        }
    };
    res.Set("step", Napi::Function::New(env, [job, modelObject, idle](const Napi::CallbackInfo& info) -> Napi::Value {
        idle(info);
        unwrapModel(modelObject->Value());
        if (job->maker == nullptr) {
            throw Napi::Error::New(info.Env(), "The making of this head's copy is disposed");
        }
        job->busy = true;
        return LacunaWorker::run(info.Env(), { modelObject->Value() }, [job] {
            try {
                job->fraction = job->maker->step();
            } catch (...) {
                job->busy = false;
                throw;
            }
        }, [job](Napi::Env env) -> Napi::Value {
            job->busy = false;
            return Napi::Number::New(env, job->fraction);
        });
    }));
    res.Set("dispose", Napi::Function::New(env, [job, idle](const Napi::CallbackInfo& info) {
        idle(info);
        job->maker.reset();
    }));
    return res;
}

void lacunaInitHead(Napi::Env env, Napi::Object lacuna, std::shared_ptr<lacuna_threads> (*threads)(AddonContext* context)) {
    threadsOf = threads;
    lacuna.Set("headSupport", Napi::Function::New(env, guarded<headSupport>));
    lacuna.Set("headKernels", Napi::Function::New(env, guarded<headKernels>));
    lacuna.Set("checkHeadCopy", Napi::Function::New(env, guarded<checkHeadCopy>));
    lacuna.Set("setHead", Napi::Function::New(env, guarded<setHead>));
    lacuna.Set("setHeadRows", Napi::Function::New(env, guarded<setHeadRows>));
    lacuna.Set("holdTokens", Napi::Function::New(env, guarded<holdTokens>));
    lacuna.Set("captureHeadInputs", Napi::Function::New(env, guarded<captureHeadInputs>));
    lacuna.Set("headCounters", Napi::Function::New(env, guarded<headCounters>));
    lacuna.Set("checkHead", Napi::Function::New(env, guarded<checkHead>));
    lacuna.Set("studyHead", Napi::Function::New(env, guarded<studyHead>));
    lacuna.Set("createHeadMaker", Napi::Function::New(env, guarded<createHeadMaker>));
}
