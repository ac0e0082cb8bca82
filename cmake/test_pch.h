#pragma once

#include "light_pch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
