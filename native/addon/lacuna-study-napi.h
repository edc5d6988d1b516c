#pragma once

#include "napi.h"

// createStudy(model, tokens, options) of src/engine/study.ts
Napi::Value lacunaCreateStudy(const Napi::CallbackInfo& info);

// downNorms(model, layer) of src/engine/study.ts
Napi::Value lacunaDownNorms(const Napi::CallbackInfo& info);
