#include "lacuna-quantize-napi.h"

#include "lacuna-napi.h"

#include "llama.h"

#include <map>

static const std::map<std::string, llama_ftype> TYPES = {
    { "Q8_0",   LLAMA_FTYPE_MOSTLY_Q8_0   },
    { "Q6_K",   LLAMA_FTYPE_MOSTLY_Q6_K   },
    { "Q5_K_M", LLAMA_FTYPE_MOSTLY_Q5_K_M },
    { "Q5_0",   LLAMA_FTYPE_MOSTLY_Q5_0   },
    { "Q4_K_M", LLAMA_FTYPE_MOSTLY_Q4_K_M },
    { "Q4_K_S", LLAMA_FTYPE_MOSTLY_Q4_K_S },
    { "Q4_0",   LLAMA_FTYPE_MOSTLY_Q4_0   },
    { "Q3_K_M", LLAMA_FTYPE_MOSTLY_Q3_K_M },
    { "Q3_K_S", LLAMA_FTYPE_MOSTLY_Q3_K_S },
    { "Q2_K",   LLAMA_FTYPE_MOSTLY_Q2_K   },
};

Napi::Value lacunaQuantize(const Napi::CallbackInfo& info) {
    const auto source = info[0].As<Napi::String>().Utf8Value();
    const auto target = info[1].As<Napi::String>().Utf8Value();
    const auto type   = TYPES.find(info[2].As<Napi::String>().Utf8Value());
    if (type == TYPES.end()) {
        throw Napi::Error::New(info.Env(), "Unknown quantisation: " + info[2].As<Napi::String>().Utf8Value());
    }

    auto params = llama_model_quantize_default_params();
    params.ftype = type->second;
    params.nthread = std::max(1, info[3].As<Napi::Number>().Int32Value());
    params.allow_requantize = true;

    return LacunaWorker::run(info.Env(), {}, [source, target, params] {
        if (llama_model_quantize(source.c_str(), target.c_str(), &params) != 0) {
            throw std::runtime_error("llama.cpp cannot quantise " + source);
        }
    }, [](Napi::Env env) { return env.Undefined(); });
}
