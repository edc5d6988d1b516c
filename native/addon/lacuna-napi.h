#pragma once

// What the functions that JavaScript calls have in common

#include "lacuna-weights.h"

#include "AddonContext.h"
#include "AddonModel.h"

#include <functional>

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
            try {
                deferred.Resolve(result(Env()));
            } catch (const Napi::Error& error) {
                deferred.Reject(error.Value());
            }
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
std::shared_ptr<T> attached(Napi::Object object, const char* key, F&& create) {
    if (object.Has(key)) {
        return *object.Get(key).As<Napi::External<std::shared_ptr<T>>>().Data();
    }

    auto value = create();
    auto external = Napi::External<std::shared_ptr<T>>::New(
        object.Env(), new std::shared_ptr<T>(value), [](Napi::Env, std::shared_ptr<T>* p) { delete p; });
    object.DefineProperty(Napi::PropertyDescriptor::Value(key, external, napi_default));
    return value;
}

// Lets go of what is attached before the object is collected; nobody may ask for it again
template <typename T>
void detach(Napi::Object object, const char* key) {
    if (object.Has(key)) {
        object.Get(key).As<Napi::External<std::shared_ptr<T>>>().Data()->reset();
    }
}

inline AddonModel* unwrapModel(const Napi::Value& value) {
    auto* model = Napi::ObjectWrap<AddonModel>::Unwrap(value.As<Napi::Object>());
    if (model->disposed || model->model == nullptr) {
        throw Napi::Error::New(value.Env(), "The model is not loaded");
    }
    return model;
}

inline AddonContext* unwrapContext(const Napi::Value& value) {
    auto* context = Napi::ObjectWrap<AddonContext>::Unwrap(value.As<Napi::Object>());
    if (context->disposed || context->ctx == nullptr) {
        throw Napi::Error::New(value.Env(), "The context is disposed");
    }
    return context;
}

inline std::shared_ptr<lacuna_weights> weightsOf(AddonModel* model) {
    return attached<lacuna_weights>(model->Value(), "lacunaWeights", [&] {
        return std::make_shared<lacuna_weights>(*model->model, model->modelPath);
    });
}

// Exceptions of ours on the JavaScript thread become JavaScript errors
template <Napi::Value (*fn)(const Napi::CallbackInfo&)>
Napi::Value guarded(const Napi::CallbackInfo& info) {
    try {
        return fn(info);
    } catch (const Napi::Error&) {
        throw;
    } catch (const std::exception& e) {
        throw Napi::Error::New(info.Env(), e.what());
    }
}

template <typename T> T optionOr(const Napi::Object& options, const char* key, T fallback) {
    const auto value = options.Get(key);
    if (value.IsNumber()) {
        return static_cast<T>(value.As<Napi::Number>().DoubleValue());
    }
    if (value.IsBoolean()) {
        return static_cast<T>(value.As<Napi::Boolean>().Value());
    }
    return fallback;
}

template <typename Array, typename T> std::vector<T> toVector(const Napi::Value& value) {
    const auto array = value.As<Array>();
    return std::vector<T>(array.Data(), array.Data() + array.ElementLength());
}

template <typename Array, typename T> Array toTypedArray(const Napi::Env& env, const std::vector<T>& values) {
    auto array = Array::New(env, values.size());
    std::copy(values.begin(), values.end(), array.Data());
    return array;
}
