#include "lacuna-cache-napi.h"

#include "lacuna-cache.h"
#include "lacuna-move.h"
#include "lacuna-napi.h"

static Napi::Value canMove(const Napi::CallbackInfo& info) {
    return Napi::Boolean::New(info.Env(), lacuna_can_move(unwrapContext(info[0])->ctx));
}

// context, position, parts as [from, to, at, ...]
static Napi::Value setAside(const Napi::CallbackInfo& info) {
    const auto numbers = toVector<Napi::Int32Array, int32_t>(info[2]);

    std::vector<lacuna_part> parts;
    for (size_t i = 0; i + 3 <= numbers.size(); i += 3) {
        parts.push_back({ numbers[i], numbers[i + 1], numbers[i + 2] });
    }
    lacuna_set_aside(unwrapContext(info[0])->ctx, info[1].As<Napi::Number>().Int32Value(), parts);
    return info.Env().Undefined();
}

static Napi::Value takeBack(const Napi::CallbackInfo& info) {
    lacuna_take_back(unwrapContext(info[0])->ctx, info[1].As<Napi::Number>().Int32Value(), info[2].As<Napi::Number>().Int32Value());
    return info.Env().Undefined();
}

static std::shared_ptr<lacuna_cache> cacheOf(AddonContext* context) {
    return attached<lacuna_cache>(context->Value(), "lacunaCache", [&] {
        return std::make_shared<lacuna_cache>(context->ctx);
    });
}

static Napi::Value releaseCache(const Napi::CallbackInfo& info) {
    cacheOf(unwrapContext(info[0]))->release();
    return info.Env().Undefined();
}

static Napi::Value cacheBytes(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), (double) cacheOf(unwrapContext(info[0]))->resident_bytes());
}

void lacunaInitCache(Napi::Env env, Napi::Object lacuna) {
    lacuna.Set("canMove", Napi::Function::New(env, guarded<canMove>));
    lacuna.Set("setAside", Napi::Function::New(env, guarded<setAside>));
    lacuna.Set("takeBack", Napi::Function::New(env, guarded<takeBack>));
    lacuna.Set("releaseCache", Napi::Function::New(env, guarded<releaseCache>));
    lacuna.Set("cacheBytes", Napi::Function::New(env, guarded<cacheBytes>));
}
