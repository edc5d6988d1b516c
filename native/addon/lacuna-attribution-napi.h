#pragma once

#include "napi.h"

// createAttribution(model, tokens, options) of src/engine/native.ts
Napi::Value lacunaCreateAttribution(const Napi::CallbackInfo& info);
